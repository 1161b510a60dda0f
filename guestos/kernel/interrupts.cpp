// SPDX-License-Identifier: MIT
// The first handler of a line lies in the table, those that share the line with it on the heap.
#include <arch/upcalls.hpp>
#include <kernel/interrupts.hpp>
#include <kernel/log.hpp>
#include <new>

namespace kernel {
namespace {
constexpr unsigned max_lines = 1024;  // event channels of a 32-bit guest; pins are fewer
struct Handler {
    void (*function)(void *) = nullptr;  // nullptr, of a line's first: it has none
    void *context = nullptr;
    char const *name = nullptr;
    Handler *next = nullptr;
};
struct LineHandlers {
    Handler first;
    std::uint32_t count = 0;
};
constinit LineHandlers lines[max_lines]{};

// Takes out of the line's list what `wanted` says; gives back what has to be freed.
template <class F>
Handler *take_out(arch::Line line, F wanted)
{
    Handler *out = nullptr;
    auto drop = [&out](Handler *&link) {
        auto h = link;
        link = h->next;
        h->next = out;
        out = h;
    };
    auto &first = lines[line.raw()].first;
    for (auto link = &first.next; *link;) {
        if (wanted(**link))
            drop(*link);
        else
            link = &(*link)->next;
    }
    if (first.function && wanted(first)) {
        if (auto second = first.next) {
            drop(first.next);
            first = {second->function, second->context, second->name, first.next};
        } else {
            first = {};
            arch::irq_mask(line);
        }
    }
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

Result<> attach_interrupt(arch::Line line, void (*handler)(void *), void *context, char const *name)
{
    if (line.raw() >= max_lines)
        return Error::inval;
    auto &first = lines[line.raw()].first;
    if (!first.function) {
        arch::IrqGuard guard;
        first = {handler, context, name, nullptr};
        arch::irq_unmask(line);
        return {};
    }
    auto fresh = new (std::nothrow) Handler{handler, context, name, nullptr};
    if (!fresh)
        return Error::nomem;
    arch::IrqGuard guard;
    fresh->next = first.next;
    first.next = fresh;
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

void for_each_interrupt(void (*f)(void *, arch::Line, std::uint32_t count, char const *name), void *context)
{
    for (unsigned i = 0; i < max_lines; ++i)
        if (lines[i].first.function)
            f(context, arch::Line{static_cast<std::uint16_t>(i)}, lines[i].count, lines[i].first.name);
}

void on_irq(arch::Line line, TrapFrame &)
{
    auto handler = line.raw() < max_lines && lines[line.raw()].first.function ? &lines[line.raw()].first : nullptr;
    if (!handler) {
        arch::irq_mask(line);
        log_once(0x1e00'0000u | line.raw(), "<4>interrupt %u has no handler: masked\n", line.raw());
        return;
    }
    ++lines[line.raw()].count;
    while (handler && handler->function) {
        auto next = handler->next;
        handler->function(handler->context);
        handler = next;
    }
}
}  // namespace kernel
