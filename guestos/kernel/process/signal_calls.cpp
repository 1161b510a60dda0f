// SPDX-License-Identifier: MIT
// Dispositions, masks, the alternate stack, and the way back from handlers. The rt_ calls have 64-bit sets, the old ones 32.
#include <arch/signal_frame.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
struct UserAction {
    std::uint32_t handler, flags, restorer, mask[2];
};  // struct kernel_sigaction, i386
struct UserOldAction {
    std::uint32_t handler, mask, flags, restorer;
};
struct UserStack {
    std::uint32_t base, flags, bytes;
};  // stack_t
static_assert(sizeof(UserAction) == 20 && sizeof(UserOldAction) == 16 && sizeof(UserStack) == 12);
using UserSet = std::uint64_t;

enum class How : int { block = 0, unblock = 1, set_mask = 2 };
constexpr std::uint32_t ss_onstack = 1, ss_disable = 2, ss_autodisarm = 1u << 31;
constexpr std::uint32_t minimum_stack = 2048;  // MINSIGSTKSZ

Result<SignalAction> exchange_action(int signo, SignalAction const *replacement)
{
    if (signo < 1 || signo > last_signal || (replacement && (signal_bit(signo) & unblockable_signals)))
        return Error::inval;
    arch::IrqGuard guard;
    Process &p = current_process();
    SignalAction &slot = p.handlers->action[signo - 1];
    SignalAction old = slot;
    if (!replacement)
        return old;
    slot = *replacement;
    slot.mask &= ~unblockable_signals;
    // POSIX, 2.4.3: setting a pending signal to be ignored discards it, blocked or not.
    if (signal_ignored(p, signo)) {
        discard_queued(p.shared_signals.pending, signal_bit(signo));
        for (Thread &t : p.threads)
            discard_queued(t.signals.pending, signal_bit(signo));
    }
    return old;
}

SignalSet to_set(std::uint32_t const (&words)[2]) { return words[0] | std::uint64_t{words[1]} << 32; }

Result<> sys_rt_sigaction(int signo, UserPtr<UserAction> in, UserPtr<UserAction> out, std::uint32_t set_bytes)
{
    if (set_bytes != sizeof(UserSet))
        return Error::inval;
    SignalAction wanted;
    if (in) {
        auto u = TRY(in.read());
        wanted = {u.handler, u.flags, u.restorer, to_set(u.mask)};
    }
    auto old = TRY(exchange_action(signo, in ? &wanted : nullptr));
    if (!out)
        return {};
    return out.write({old.handler,
                      old.flags,
                      old.restorer,
                      {static_cast<std::uint32_t>(old.mask), static_cast<std::uint32_t>(old.mask >> 32)}});
}
SYSCALL(rt_sigaction, 174, sys_rt_sigaction);

Result<> sys_sigaction(int signo, UserPtr<UserOldAction> in, UserPtr<UserOldAction> out)
{
    SignalAction wanted;
    if (in) {
        auto u = TRY(in.read());
        wanted = {u.handler, u.flags, u.restorer, u.mask};
    }
    auto old = TRY(exchange_action(signo, in ? &wanted : nullptr));
    if (!out)
        return {};
    return out.write({old.handler, static_cast<std::uint32_t>(old.mask), old.flags, old.restorer});
}
SYSCALL(sigaction, 67, sys_sigaction);

// System V's signal(): one shot, nothing blocked meanwhile.
Result<std::int32_t> sys_signal(int signo, std::uint32_t handler)
{
    SignalAction wanted{handler, sa_resethand | sa_nodefer, 0, 0};
    return static_cast<std::int32_t>(TRY(exchange_action(signo, &wanted)).handler);
}
SYSCALL(signal, 48, sys_signal);

Result<> change_mask(int how, SignalSet set)
{
    SignalSet old = current().signals.mask;
    switch (static_cast<How>(how)) {
    case How::block: set_signal_mask(old | set); return {};
    case How::unblock: set_signal_mask(old & ~set); return {};
    case How::set_mask: set_signal_mask(set); return {};
    }
    return Error::inval;
}

Result<> sys_rt_sigprocmask(int how, UserPtr<UserSet> in, UserPtr<UserSet> out, std::uint32_t set_bytes)
{
    if (set_bytes != sizeof(UserSet))
        return Error::inval;
    SignalSet old = current().signals.mask;
    if (in)
        TRY(change_mask(how, TRY(in.read())));
    if (out)
        TRY(out.write(old));
    return {};
}
SYSCALL(rt_sigprocmask, 175, sys_rt_sigprocmask);

Result<> sys_sigprocmask(int how, UserPtr<std::uint32_t> in, UserPtr<std::uint32_t> out)
{
    SignalSet old = current().signals.mask;
    if (in) {
        SignalSet set = TRY(in.read());
        if (static_cast<How>(how) == How::set_mask)
            set |= old & ~0xffff'ffffull;
        TRY(change_mask(how, set));
    }
    if (out)
        TRY(out.write(static_cast<std::uint32_t>(old)));
    return {};
}
SYSCALL(sigprocmask, 126, sys_sigprocmask);

Result<std::int32_t> sys_sgetmask() { return static_cast<std::int32_t>(current().signals.mask); }
SYSCALL(sgetmask, 68, sys_sgetmask);

Result<std::int32_t> sys_ssetmask(std::uint32_t set)
{
    auto old = static_cast<std::int32_t>(current().signals.mask);
    set_signal_mask(set);
    return old;
}
SYSCALL(ssetmask, 69, sys_ssetmask);

SignalSet blocked_and_pending() { return pending_signals(current()) & current().signals.mask; }

Result<> sys_rt_sigpending(UserPtr<UserSet> out, std::uint32_t set_bytes)
{
    if (set_bytes > sizeof(UserSet))
        return Error::inval;
    UserSet set = blocked_and_pending();
    return copy_out(out.address(), &set, set_bytes);
}
SYSCALL(rt_sigpending, 176, sys_rt_sigpending);

Result<> sys_sigpending(UserPtr<std::uint32_t> out)
{
    return out.write(static_cast<std::uint32_t>(blocked_and_pending()));
}
SYSCALL(sigpending, 73, sys_sigpending);

bool on_alternate_stack(SignalState const &s, Vaddr sp)
{
    if (s.stack_flags & (ss_autodisarm | ss_disable))
        return false;
    return sp.raw() > s.stack_base && sp.raw() - s.stack_base <= s.stack_bytes;
}

Result<> install_stack(SignalState &s, Vaddr sp, UserStack u)
{
    if (on_alternate_stack(s, sp))
        return Error::perm;
    std::uint32_t mode = u.flags & ~ss_autodisarm;
    if (mode != 0 && mode != ss_onstack && mode != ss_disable)
        return Error::inval;
    if (mode == ss_disable)
        u.base = u.bytes = 0;
    else if (u.bytes < minimum_stack)
        return Error::nomem;
    s.stack_base = u.base;
    s.stack_bytes = u.bytes;
    s.stack_flags = mode == ss_disable ? u.flags : u.flags & ss_autodisarm;
    return {};
}

Result<> sys_sigaltstack(UserPtr<UserStack> in, UserPtr<UserStack> out, TrapFrame &frame)
{
    SignalState &s = current().signals;
    UserStack old{s.stack_base, s.stack_flags, s.stack_bytes};
    if (s.stack_bytes == 0)
        old.flags |= ss_disable;
    if (on_alternate_stack(s, frame.sp()))
        old.flags |= ss_onstack;
    if (in)
        TRY(install_stack(s, frame.sp(), TRY(in.read())));
    if (out)
        TRY(out.write(old));
    return {};
}
SYSCALL(sigaltstack, 186, sys_sigaltstack);

Result<std::int32_t> return_from_handler(TrapFrame &frame, bool rt)
{
    Thread &self = current();
    arch::SignalReturn from;
    if (!arch::pop_signal_frame(frame, self.arch_state, rt, from).ok()) {
        force_signal(self, SignalInfo::kernel(sig_segv));
        return frame.call_result();
    }
    set_signal_mask(from.mask);
    if (from.has_stack)
        (void)install_stack(self.signals, frame.sp(), {from.alternate.base, from.alternate.flags, from.alternate.bytes});
    return frame.call_result();
}

Result<std::int32_t> sys_sigreturn(TrapFrame &frame) { return return_from_handler(frame, false); }
SYSCALL(sigreturn, 119, sys_sigreturn);

Result<std::int32_t> sys_rt_sigreturn(TrapFrame &frame) { return return_from_handler(frame, true); }
SYSCALL(rt_sigreturn, 173, sys_rt_sigreturn);
}  // namespace

void set_signal_mask(SignalSet mask)
{
    arch::IrqGuard guard;
    current().signals.mask = mask & ~unblockable_signals;
}

void set_signal_mask_until_return(SignalSet mask)
{
    SignalState &s = current().signals;
    if (!s.restore_saved_mask)
        s.saved_mask = s.mask;
    s.restore_saved_mask = true;
    set_signal_mask(mask);
}

void restore_signal_mask()
{
    SignalState &s = current().signals;
    if (!s.restore_saved_mask)
        return;
    s.restore_saved_mask = false;
    set_signal_mask(s.saved_mask);
}
}  // namespace kernel
