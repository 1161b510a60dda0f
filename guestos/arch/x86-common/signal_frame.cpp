// SPDX-License-Identifier: MIT
#include <arch/boot.hpp>
#include <arch/cpu.hpp>
#include <arch/signal_frame.hpp>
#include <arch/user_copy.hpp>
#include <arch/vdso_layout.h>
#include <cstring>
#include <signal_layout.hpp>

namespace arch {
namespace {
constexpr std::uint32_t sa_siginfo = 4, sa_restorer = 0x0400'0000, sa_onstack = 0x0800'0000;
constexpr std::uint32_t ss_disable = 2;
// Nobody runs these copies of what the vDSO has, but debuggers know a signal frame by them:
// pop %eax; mov $119 (sigreturn), %eax; int $0x80   and   mov $173 (rt_sigreturn), %eax; int $0x80
constexpr std::uint8_t sigreturn_code[8] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80};
constexpr std::uint8_t rt_sigreturn_code[8] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0};
// What a program may choose of its flags, and what a handler starts without.
constexpr std::uint32_t user_eflags = x86::AC | x86::OF | x86::DF | x86::TF | x86::SF | x86::ZF | x86::AF | x86::PF
    | x86::CF | x86::RF;
constexpr std::uint32_t cleared_for_handler = x86::DF | x86::RF | x86::TF;

template <class T>
Result<> copy_out(std::uint32_t address, T const &value)
{
    if (address > user_limit.raw() - sizeof value)
        return Error::fault;
    if (copy_to_user_raw(Vaddr{address}, &value, sizeof value) != 0)
        return Error::fault;
    return {};
}

template <class T>
Result<> copy_in(T &value, std::uint32_t address)
{
    if (address > user_limit.raw() - sizeof value)
        return Error::fault;
    if (copy_from_user_raw(&value, Vaddr{address}, sizeof value) != 0)
        return Error::fault;
    return {};
}

bool on_stack(std::uint32_t sp, SignalStack const &s) { return sp > s.base && sp - s.base <= s.bytes; }

// Where the frame's first byte beyond its end may be.
std::uint32_t stack_for(TrapFrame const &frame, SignalDelivery const &d)
{
    auto sp = frame.sp().raw();
    auto const &s = d.alternate;
    bool usable = (d.flags & sa_onstack) && !(s.flags & ss_disable) && s.bytes != 0;
    return usable && !on_stack(sp, s) ? s.base + s.bytes : sp;
}

// Takes `bytes` off the stack so that the handler finds it as after a call: 16-byte aligned above the return address.
std::uint32_t place(std::uint32_t sp, std::uint32_t bytes) { return ((sp - bytes + 4) & ~15u) - 4; }

SignalContext context_of(TrapFrame const &f, std::uint32_t fpu_frame, std::uint64_t mask)
{
    SignalContext c{};
    c.gs = f.gs & 0xffff, c.fs = f.fs & 0xffff, c.es = f.es & 0xffff, c.ds = f.ds & 0xffff;
    c.edi = f.edi, c.esi = f.esi, c.ebp = f.ebp, c.esp = f.esp;
    c.ebx = f.ebx, c.edx = f.edx, c.ecx = f.ecx, c.eax = f.eax;
    c.vector = f.vector, c.error = f.error;
    c.eip = f.eip, c.cs = f.cs & 0xffff, c.eflags = f.eflags, c.esp_at_signal = f.esp, c.ss = f.ss & 0xffff;
    c.fpu_frame = fpu_frame;
    c.old_mask = static_cast<std::uint32_t>(mask);
    return c;
}

void restore_registers(TrapFrame &f, SignalContext const &c)
{
    auto user = [](std::uint32_t selector) { return (selector & 0xfffc) ? (selector & 0xffff) | 3 : 0; };
    f.gs = user(c.gs), f.fs = user(c.fs), f.es = user(c.es), f.ds = user(c.ds);
    f.edi = c.edi, f.esi = c.esi, f.ebp = c.ebp, f.esp = c.esp;
    f.ebx = c.ebx, f.edx = c.edx, f.ecx = c.ecx, f.eax = c.eax;
    f.eip = c.eip, f.cs = user_cs, f.ss = user_ds;  // programs have one code and one stack segment
    f.eflags = (c.eflags & user_eflags) | x86::IF | 2;
}

// The FPU's state at the top; its address, or 0 when the thread has none.
Result<std::uint32_t> push_fpu(std::uint32_t &sp, ThreadState &thread)
{
    if (!thread.fpu_used)
        return std::uint32_t{0};
    save_fpu(thread);
    FpuFrame fpu;
    std::memcpy(&fpu.fx, thread.fpu, sizeof fpu.fx);
    fpu.legacy = legacy_from_fx(fpu.fx);
    sp = ((sp - static_cast<std::uint32_t>(sizeof(FxImage))) & ~63u) - static_cast<std::uint32_t>(sizeof(LegacyFpu));
    TRY(copy_out(sp, fpu));
    return sp;
}

Result<> pop_fpu(ThreadState &thread, std::uint32_t address)
{
    discard_fpu(thread);
    thread.fpu_used = address != 0;
    if (!address)
        return {};
    FpuFrame fpu;
    TRY(copy_in(fpu.legacy, address));
    if (fpu.legacy.magic != 0) {  // FSAVE's part only
        std::memset(&fpu.fx, 0, sizeof fpu.fx);
        fpu.fx.mxcsr = 0x1f80;
    } else {
        TRY(copy_in(fpu.fx, address + static_cast<std::uint32_t>(sizeof(LegacyFpu))));
    }
    legacy_into_fx(fpu.legacy, fpu.fx);
    fpu.fx.mxcsr &= 0xffbf;  // reserved bits fault in FXRSTOR; bit 6 is not on every processor
    std::memcpy(thread.fpu, &fpu.fx, sizeof fpu.fx);
    return {};
}

Result<> push_plain(std::uint32_t sp, TrapFrame const &frame, SignalDelivery const &d, std::uint32_t fpu)
{
    SignalFrame out{};
    out.return_address = (d.flags & sa_restorer) ? d.restorer.raw() : VDSO_SIGRETURN;
    out.number = static_cast<std::uint32_t>(d.number);
    out.registers = context_of(frame, fpu, d.old_mask);
    out.extra_mask = static_cast<std::uint32_t>(d.old_mask >> 32);
    std::memcpy(out.retcode, sigreturn_code, sizeof out.retcode);
    return copy_out(sp, out);
}

Result<> push_rt(std::uint32_t sp, TrapFrame const &frame, SignalDelivery const &d, std::uint32_t fpu)
{
    RtSignalFrame out{};
    auto at = [&](std::size_t offset) { return sp + static_cast<std::uint32_t>(offset); };
    out.return_address = (d.flags & sa_restorer) ? d.restorer.raw() : VDSO_RT_SIGRETURN;
    out.number = static_cast<std::uint32_t>(d.number);
    out.siginfo_address = at(offsetof(RtSignalFrame, siginfo));
    out.context_address = at(offsetof(RtSignalFrame, context));
    std::memcpy(out.siginfo, d.siginfo, sizeof out.siginfo);
    out.context.stack_base = d.alternate.base;
    out.context.stack_flags = d.alternate.flags;
    out.context.stack_bytes = d.alternate.bytes;
    out.context.registers = context_of(frame, fpu, d.old_mask);
    out.context.mask[0] = static_cast<std::uint32_t>(d.old_mask);
    out.context.mask[1] = static_cast<std::uint32_t>(d.old_mask >> 32);
    std::memcpy(out.retcode, rt_sigreturn_code, sizeof out.retcode);
    return copy_out(sp, out);
}
}  // namespace

Result<> push_signal_frame(TrapFrame &frame, ThreadState &thread, SignalDelivery const &d)
{
    bool rt = (d.flags & sa_siginfo) != 0;
    auto sp = stack_for(frame, d);
    auto fpu = TRY(push_fpu(sp, thread));
    sp = place(sp, rt ? sizeof(RtSignalFrame) : sizeof(SignalFrame));
    if (on_stack(frame.sp().raw(), d.alternate) && !on_stack(sp, d.alternate))
        return Error::fault;  // it is full
    TRY(rt ? push_rt(sp, frame, d, fpu) : push_plain(sp, frame, d, fpu));

    // Handlers may take their arguments in registers too (the regparm(3) convention).
    frame.eax = static_cast<std::uint32_t>(d.number);
    frame.edx = rt ? sp + static_cast<std::uint32_t>(offsetof(RtSignalFrame, siginfo)) : 0;
    frame.ecx = rt ? sp + static_cast<std::uint32_t>(offsetof(RtSignalFrame, context)) : 0;
    frame.set_sp(Vaddr{sp});
    frame.set_ip(d.handler);
    frame.cs = user_cs;
    frame.ds = frame.es = frame.ss = user_ds;
    frame.eflags &= ~cleared_for_handler;
    return {};
}

// sigreturn: the handler's `ret` has taken the return address, and for the plain frame the code at the return address has
// popped the number.
Result<> pop_signal_frame(TrapFrame &frame, ThreadState &thread, bool rt, SignalReturn &out)
{
    auto sp = frame.sp().raw();
    out = SignalReturn{};
    SignalContext registers;
    if (rt) {
        RtSignalFrame in;
        TRY(copy_in(in, sp - 4));
        registers = in.context.registers;
        out.mask = in.context.mask[0] | std::uint64_t{in.context.mask[1]} << 32;
        out.has_stack = true;
        out.alternate = {in.context.stack_base, in.context.stack_bytes, in.context.stack_flags};
    } else {
        SignalFrame in;
        TRY(copy_in(in, sp - 8));
        registers = in.registers;
        out.mask = registers.old_mask | std::uint64_t{in.extra_mask} << 32;
    }
    TRY(pop_fpu(thread, registers.fpu_frame));
    restore_registers(frame, registers);
    return {};
}
}  // namespace arch
