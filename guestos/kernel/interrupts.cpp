// SPDX-License-Identifier: MIT
#include <arch/upcalls.hpp>
#include <kernel/interrupts.hpp>
#include <kernel/log.hpp>

namespace kernel {
namespace {
constexpr unsigned max_lines = 1024;  // event channels of a 32-bit guest; pins are fewer
struct Handler {
    void (*function)(void *);
    void *context;
} handlers[max_lines];
}  // namespace

Result<> attach_interrupt(arch::Line line, void (*handler)(void *), void *context)
{
    arch::IrqGuard guard;
    if (line.raw() >= max_lines)
        return Error::inval;
    Handler &slot = handlers[line.raw()];
    if (slot.function)
        return Error::busy;
    slot = {handler, context};
    arch::irq_unmask(line);
    return {};
}

void detach_interrupt(arch::Line line)
{
    arch::IrqGuard guard;
    if (line.raw() >= max_lines)
        return;
    arch::irq_mask(line);
    handlers[line.raw()] = {};
}

void on_irq(arch::Line line, TrapFrame &)
{
    if (line.raw() < max_lines && handlers[line.raw()].function) {
        handlers[line.raw()].function(handlers[line.raw()].context);
        return;
    }
    arch::irq_mask(line);
    log_once(0x1e00'0000u | line.raw(), "<4>interrupt %u has no handler: masked\n", line.raw());
}
}  // namespace kernel
