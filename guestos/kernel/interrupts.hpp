// SPDX-License-Identifier: MIT
// Interrupt handlers of drivers, by line. They run with interrupts off, wake queues and send signals, and allocate nothing.
#pragma once
#include <arch/irq.hpp>

namespace kernel {
// A line may have several handlers, and each is called for every interrupt: PCI devices share pins. The first unmasks it.
// Error::nomem.
Result<> attach_interrupt(arch::Line, void (*handler)(void *), void *context);
void detach_interrupt(arch::Line);                 // all of them; masks it
void detach_interrupt(arch::Line, void *context);  // those with this context; masks it with the last
}  // namespace kernel
