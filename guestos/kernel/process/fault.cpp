// SPDX-License-Identifier: MIT
// Processor exceptions other than page faults: a signal for a program, the end for the kernel. Which signal and si_code goes
// with which vector: signal(7), sigaction(2); SDM Vol. 3A, 6.15; SDM Vol. 1, 8.5 and 11.5 for the floating-point causes.
#include <arch/upcalls.hpp>
#include <bit>
#include <cstring>
#include <kernel/log.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/signal_state.hpp>

namespace kernel {
namespace {
SignalInfo fault_signal(int signo, int code, Vaddr address)
{
    SignalInfo info;
    info.signo = signo;
    info.code = code;
    info.fault.address = address.raw();
    return info;
}

// The FXSAVE image holds the x87 control and status words at 0 and 2, MXCSR at 24. An unmasked cause is what trapped.
int floating_point_code(Thread &self, bool simd)
{
    arch::save_fpu(self.arch_state);
    std::uint16_t control, status;
    std::uint32_t mxcsr;
    std::memcpy(&control, self.arch_state.fpu, sizeof control);
    std::memcpy(&status, self.arch_state.fpu + 2, sizeof status);
    std::memcpy(&mxcsr, self.arch_state.fpu + 24, sizeof mxcsr);
    std::uint32_t causes = simd ? mxcsr & ~(mxcsr >> 7) : static_cast<std::uint32_t>(status & ~control);
    if (causes & 1)
        return fpe_fltinv;
    if (causes & 4)
        return fpe_fltdiv;
    if (causes & 8)
        return fpe_fltovf;
    if (causes & 18)
        return fpe_fltund;  // denormal operand, underflow
    if (causes & 32)
        return fpe_fltres;
    return 0;
}

SignalInfo signal_of(Thread &self, TrapFrame const &frame, Fault fault)
{
    switch (fault) {
    case Fault::divide: return fault_signal(sig_fpe, fpe_intdiv, frame.ip());
    case Fault::debug: return fault_signal(sig_trap, trap_trace, frame.ip());
    case Fault::breakpoint: return SignalInfo::kernel(sig_trap);
    case Fault::invalid_opcode: return fault_signal(sig_ill, ill_illopn, frame.ip());
    case Fault::stack: return SignalInfo::kernel(sig_bus);
    case Fault::segment: return SignalInfo::kernel(sig_bus);
    case Fault::alignment: return fault_signal(sig_bus, bus_adraln, Vaddr{});
    case Fault::fpu: return fault_signal(sig_fpe, floating_point_code(self, false), frame.ip());
    case Fault::simd: return fault_signal(sig_fpe, floating_point_code(self, true), frame.ip());
    case Fault::overflow:
    case Fault::bounds:
    case Fault::protection: break;
    }
    return SignalInfo::kernel(sig_segv);
}
}  // namespace

void on_fault(TrapFrame &frame, Fault fault, std::uint32_t error_code)
{
    static char const *const names[] = {"divide error",         "debug exception", "breakpoint",          "overflow",
                                        "bound range exceeded", "invalid opcode",  "segment not present", "stack fault",
                                        "general protection",   "x87 error",       "alignment check",     "SIMD error"};
    if (!frame.from_user()) {
        arch::log_backtrace(&frame);
        panic("%s in the kernel at %08x, error code %x", names[static_cast<unsigned>(fault)], frame.ip().raw(),
              error_code);
    }
    force_signal(current(), signal_of(current(), frame, fault));
}
}  // namespace kernel
