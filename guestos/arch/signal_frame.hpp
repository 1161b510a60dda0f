// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: what a signal handler finds on its stack, and the way back. The kernel decides which signal is
// delivered and with which masks; the frame's layout is Linux's for i386 (x86-common/signal_frame.cpp has the figure).
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <trap_frame.hpp>

namespace arch {
struct ThreadState;

struct SignalStack {                               // sigaltstack(2)
    std::uint32_t base = 0, bytes = 0, flags = 2;  // SS_DISABLE
};
struct SignalDelivery {
    int number;
    Vaddr handler, restorer;  // restorer: used if flags has SA_RESTORER
    std::uint32_t flags;      // SA_SIGINFO, SA_RESTORER, SA_ONSTACK are looked at
    void const *siginfo;      // 128 bytes
    std::uint64_t old_mask;   // what sigreturn restores
    SignalStack alternate;
};
struct SignalReturn {
    std::uint64_t mask = 0;
    bool has_stack = false;  // rt only: uc_stack, to be installed as by sigaltstack(2), errors ignored
    SignalStack alternate;
};

// Both for the running thread, on its user stack. push: Error::fault when the stack cannot be written (SIGSEGV); call it after
// any restart_call(). pop: Error::fault for a frame that cannot be read (SIGSEGV); on success every register is as it was, so
// the caller returns without set_call_result().
Result<> push_signal_frame(TrapFrame &, ThreadState &, SignalDelivery const &);
Result<> pop_signal_frame(TrapFrame &, ThreadState &, bool rt, SignalReturn &out);
}  // namespace arch
