// SPDX-License-Identifier: MIT
// Interrupt handlers of drivers, by line. They run with interrupts off, wake queues and send signals, and allocate nothing.
#pragma once
#include <arch/irq.hpp>

namespace kernel {
// A line may have several handlers, and each is called for every interrupt: PCI devices share pins. The first unmasks it.
// `name` stays, for /proc/interrupts. Error::nomem, not for the first of a line.
Result<> attach_interrupt(arch::Line, void (*handler)(void *), void *context, char const *name = "event channel");
// Only the end of a line's only handler may come from a handler.
void detach_interrupt(arch::Line);                 // all of them; masks it
void detach_interrupt(arch::Line, void *context);  // those with this context; masks it with the last

// /proc/interrupts, /proc/stat: the lines with handlers, and how often each has interrupted.
void for_each_interrupt(void (*f)(void *, arch::Line, std::uint32_t count, char const *name), void *context);
}  // namespace kernel
