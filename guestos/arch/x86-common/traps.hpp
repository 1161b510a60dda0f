// SPDX-License-Identifier: MIT
// What every way into and out of the kernel goes through.
#pragma once
#include <lib/x86/registers.hpp>
#include <trap_frame.hpp>

namespace arch {
inline constexpr unsigned first_irq_vector = 0x20;  // 0x20..0x7f natively the interrupt lines; 0x20 under pv the upcall
inline constexpr unsigned trap_vectors = 0x80;

constexpr bool user_may_raise(unsigned vector) { return vector == x86::BP || vector == x86::OF_; }

// The last instructions of a return to an interrupted context run with that context's registers in place. A fault of the
// final iret (and, under a hypervisor, an event between unmasking and iret) interrupts nothing of the kernel's: the inner
// frame is dropped, as if the trap had come from the outer context.
//
//     +------------------+                        +------------------+
//     | eip, cs, eflags, |  the outer context     | eip, cs, eflags, |
//     | (esp, ss)        |                        | (esp, ss)        |
//     +------------------+                        +------------------+
//     | eip, cs, eflags  |  in return_window      | error, vector    |
//     +------------------+                  =>    | registers        |
//     | error, vector    |                        +------------------+ <- the result
//     | registers        |
//     +------------------+ <- frame
TrapFrame *outer_frame(TrapFrame *);

// Before the frame is restored: on the way to ring 3 the kernel's last word, and interrupts off.
void leave(TrapFrame &);
}  // namespace arch
