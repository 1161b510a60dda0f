// SPDX-License-Identifier: MIT
// Acting on signals, on the way back to ring 3: restart rules, default actions, handlers.
#include <arch/signal_frame.hpp>
#include <arch/upcalls.hpp>
#include <kernel/log.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/signal_state.hpp>

namespace kernel {
namespace {
bool take_next(Thread &self, SignalInfo &out)
{
    arch::IrqGuard guard;
    SignalSet wanted = ~self.signals.mask;
    return take_queued(self.signals.pending, wanted, out)
        || take_queued(self.process->shared_signals.pending, wanted, out);
}

// signal(7), "Interruption of system calls and library functions by signal handlers".
void restart(TrapFrame &frame, Error how)
{
    if (how == Error::none)
        return;
    frame.restart_call();
    if (how == Error::restart_block)
        frame.set_call_result(0);  // restart_syscall(2)
}

bool restarts_after_handler(Error how, std::uint32_t flags)
{
    return how == Error::restart_nointr || (how == Error::restart_sys && (flags & sa_restart));
}

[[noreturn]] void die_of(Thread &self, SignalInfo const &info)
{
    int signo = info.signo;
    if (signal_bit(signo) & synchronous_signals & ~signal_bit(sig_trap))
        log("%s[%d]: signal %d (code %d) at %08x, address %08x, stack %08x\n", self.name, self.tid, signo, info.code,
            self.user_frame().ip().raw(), info.fault.address, self.user_frame().sp().raw());
    exit_process(signo);
}

void act_by_default(Thread &self, SignalInfo const &info)
{
    Process &p = *self.process;
    int signo = info.signo;
    bool forced = (self.signals.forced & signal_bit(signo)) != 0;
    self.signals.forced &= ~signal_bit(signo);
    switch (default_action(signo)) {
    case DefaultAction::ignore: return;
    case DefaultAction::stop:
        if (p.is_init())
            return;
        // Nobody is there who could continue an orphaned group, so only SIGSTOP stops it.
        if (signo != sig_stop && is_orphaned(*p.group))
            return;
        request_stop(p, signo);
        return;
    case DefaultAction::terminate:
    case DefaultAction::core:
        if (p.is_init() && !forced)
            return;
        die_of(self, info);
    }
}

void call_handler(TrapFrame &frame, Thread &self, SignalAction const &action, SignalInfo const &info)
{
    SignalState &s = self.signals;
    SignalSet old_mask = s.restore_saved_mask ? s.saved_mask : s.mask;
    s.restore_saved_mask = false;
    s.forced &= ~signal_bit(info.signo);
    arch::SignalDelivery delivery{info.signo,
                                  Vaddr{action.handler},
                                  Vaddr{action.restorer},
                                  action.flags,
                                  &info,
                                  old_mask,
                                  {s.stack_base, s.stack_bytes, s.stack_flags}};
    if (!arch::push_signal_frame(frame, self.arch_state, delivery).ok()) {
        if (info.signo == sig_segv)
            self.process->handlers->action[sig_segv - 1].handler = handler_default;
        force_signal(self, SignalInfo::kernel(sig_segv));
        return;
    }
    constexpr std::uint32_t ss_autodisarm = 1u << 31;
    if ((action.flags & sa_onstack) && (s.stack_flags & ss_autodisarm))
        s.stack_base = s.stack_bytes = 0, s.stack_flags = 2;
    s.mask |= action.mask;
    if (!(action.flags & sa_nodefer))
        s.mask |= signal_bit(info.signo);
    s.mask &= ~unblockable_signals;
}
}  // namespace

void deliver_signals(TrapFrame &frame, Thread &self)
{
    Error how = std::exchange(self.restart, Error::none);
    for (;;) {
        if (self.must_exit)
            exit_thread(self.process->exit_status);
        if (self.process->stop_requested) {
            stop_if_requested(self);
            continue;
        }
        SignalInfo info;
        if (!take_next(self, info))
            break;
        SignalAction &slot = self.process->handlers->action[info.signo - 1];
        SignalAction action = slot;
        if (action.handler == handler_ignore)
            continue;
        if (action.handler == handler_default) {
            act_by_default(self, info);
            continue;
        }
        if (action.flags & sa_resethand)
            slot.handler = handler_default;
        if (restarts_after_handler(how, action.flags))
            restart(frame, Error::restart_sys);
        how = Error::none;
        call_handler(frame, self, action, info);
    }
    restart(frame, how);
    restore_signal_mask();
}

bool return_work_pending()
{
    Thread const &self = current();
    return self.need_resched || self.restart != Error::none || self.signals.restore_saved_mask || signal_pending(self);
}

void before_return_to_user(TrapFrame &frame)
{
    Thread &self = current();
    for (;;) {
        if (self.need_resched)
            schedule();
        if (!return_work_pending())
            return;
        deliver_signals(frame, self);
    }
}
}  // namespace kernel
