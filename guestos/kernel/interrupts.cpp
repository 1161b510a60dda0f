// SPDX-License-Identifier: MIT
#include <arch/upcalls.hpp>
#include <kernel/interrupts.hpp>
#include <kernel/log.hpp>
#include <new>

namespace kernel {
namespace {
constexpr unsigned max_lines = 1024;  // event channels of a 32-bit guest; pins are fewer
struct Handler {
    void (*function)(void *);
    void *context;
    Handler *next;
} * handlers[max_lines];

// Takes out of the line's list what `wanted` says; gives it back as a list of its own.
template <class F>
Handler *take_out(arch::Line line, F wanted)
{
    Handler *out = nullptr;
    for (auto at = &handlers[line.raw()]; *at;) {
        auto h = *at;
        if (!wanted(*h)) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        h->next = out;
        out = h;
    }
    if (!handlers[line.raw()])
        arch::irq_mask(line);
    return out;
}

template <class F>
void detach(arch::Line line, F wanted)
{
    if (line.raw() >= max_lines)
        return;
    Handler *gone;
    {
        arch::IrqGuard guard;
        gone = take_out(line, wanted);
    }
    while (gone) {
        auto next = gone->next;
        delete gone;
        gone = next;
    }
}
}  // namespace

Result<> attach_interrupt(arch::Line line, void (*handler)(void *), void *context)
{
    if (line.raw() >= max_lines)
        return Error::inval;
    auto fresh = new (std::nothrow) Handler{handler, context, nullptr};
    if (!fresh)
        return Error::nomem;
    arch::IrqGuard guard;
    fresh->next = handlers[line.raw()];
    handlers[line.raw()] = fresh;
    if (!fresh->next)
        arch::irq_unmask(line);
    return {};
}

void detach_interrupt(arch::Line line)
{
    detach(line, [](Handler const &) { return true; });
}

void detach_interrupt(arch::Line line, void *context)
{
    detach(line, [context](Handler const &h) { return h.context == context; });
}

void on_irq(arch::Line line, TrapFrame &)
{
    auto handler = line.raw() < max_lines ? handlers[line.raw()] : nullptr;
    if (!handler) {
        arch::irq_mask(line);
        log_once(0x1e00'0000u | line.raw(), "<4>interrupt %u has no handler: masked\n", line.raw());
    }
    while (handler) {
        auto next = handler->next;
        handler->function(handler->context);
        handler = next;
    }
}
}  // namespace kernel
