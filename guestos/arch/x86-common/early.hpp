// SPDX-License-Identifier: MIT
// What the parts of one architecture folder say to each other and to x86-common. Not for the kernel.
#pragma once
#include <cstdint>
#include <trap_frame.hpp>

namespace arch {
void console_early_init();          // platform.cpp: console_write() works afterwards
void irq_dispatch(TrapFrame &);     // irq.cpp: whatever vector 0x20.. or an upcall announces; interrupts off
void clock_interrupt(TrapFrame &);  // clock.cpp
void console_interrupt();           // platform.cpp
std::uint32_t clock_khz();          // clock.cpp: of cycles()
// clock.cpp: lets programs read the clock from there (VdsoTime::version 0: they cannot); returns now_ns() less what they find.
std::uint64_t clock_publish(struct VdsoTime &);
bool fast_call_init();  // trap.cpp: sysenter leads into the kernel; false: it does not on this machine
void fpu_init();        // fpu.cpp
void fpu_trap();        // fpu.cpp: the running thread wants the FPU
void fpu_switch(struct ThreadState *from, struct ThreadState &to);
struct ThreadState *running_thread_state();
// traps.cpp: any exception. `fault_address`: of a page fault, read before anything could overwrite it.
void handle_exception(TrapFrame &, std::uint32_t fault_address);
}  // namespace arch
