// SPDX-License-Identifier: MIT
// Interrupt handlers of drivers, by line. They run with interrupts off, wake queues and send signals, and allocate nothing.
#pragma once
#include <arch/irq.hpp>

namespace kernel {
// Error::busy: the line has a handler. Unmasks the line.
Result<> attach_interrupt(arch::Line, void (*handler)(void *), void *context);
void detach_interrupt(arch::Line);  // masks it
}  // namespace kernel
