// SPDX-License-Identifier: MIT
// pirq.hpp says what must hold. Only domain 0 has devices, so that one table serves.
#include <hv/console.hpp>
#include <hv/event.hpp>
#include <hv/pirq.hpp>
#include <hv/trap.hpp>

namespace hv {
namespace {

struct Pirq {
    Domain *owner = nullptr;  // nullptr: not mapped
    std::uint16_t port = 0;   // 0: not bound
    bool due = false;         // interrupted, the event is still to be sent
    bool ended = true;        // lines: the domain has dealt with the last interrupt
    MessageSlot slot{};
};
Pirq pirqs[max_pirqs];
bool any_due;

constexpr bool is_line(unsigned pirq) { return pirq < pirq_lines; }
constexpr unsigned vector_of(unsigned pirq) { return message_vector_base + pirq - first_message_pirq; }

// The timer, the cascade and the serial line are ours, whether or not they are in use.
bool is_own_line(unsigned line) { return line == 0 || line == 2 || line == serial_irq; }

Result<Pirq *> mapped(Domain const &d, std::uint32_t pirq)
{
    if (pirq >= max_pirqs || pirqs[pirq].owner != &d)
        return Error::inval;
    return &pirqs[pirq];
}

void mark_due(Pirq &p)
{
    p.due = true;
    any_due = this_cpu().device_work = true;
}

}  // namespace

Result<unsigned> map_line_pirq(Domain &d, unsigned gsi)
{
    if (gsi >= pirq_lines)
        return Error::inval;
    if (is_own_line(gsi) || (pirqs[gsi].owner && pirqs[gsi].owner != &d))
        return Error::busy;
    pirqs[gsi].owner = &d;
    return gsi;
}

Result<unsigned> map_message_pirq(Domain &d, physdev_map_pirq const &op)
{
    MessageSlot slot = TRY(find_message(op));
    unsigned free = max_pirqs;
    for (unsigned i = first_message_pirq; i < max_pirqs; ++i) {
        if (!pirqs[i].owner)
            free = free < i ? free : i;
        else if (pirqs[i].slot.address == slot.address)
            return Error::exist;
    }
    if (free == max_pirqs)
        return Error::nospc;
    pirqs[free] = {&d, 0, false, true, slot};
    return free;  // armed when it is bound
}

Result<> unmap_pirq(Domain &d, std::int32_t pirq)
{
    Pirq &p = *TRY(mapped(d, static_cast<std::uint32_t>(pirq)));
    if (p.port)
        return Error::busy;
    p = {};
    return {};
}

Result<> bind_pirq(Domain &d, std::uint32_t pirq, unsigned port)
{
    Pirq &p = *TRY(mapped(d, pirq));
    if (p.port)
        return Error::exist;
    p.port = static_cast<std::uint16_t>(port);
    p.due = false;
    p.ended = true;
    if (is_line(pirq))
        enable_irq(pirq);
    else
        arm_message(p.slot, vector_of(pirq));
    return {};
}

void unbind_pirq(unsigned pirq)
{
    Pirq &p = pirqs[pirq];
    if (is_line(pirq))
        disable_irq(pirq);
    else
        disarm_message(p.slot);
    p.port = 0;
    p.due = false;
}

Result<> end_of_pirq(Domain &d, std::uint32_t pirq)
{
    Pirq &p = *TRY(mapped(d, pirq));
    if (p.port && is_line(pirq) && !p.ended) {
        p.ended = true;
        enable_irq(pirq);
    }
    return {};
}

Result<bool> pirq_needs_end(Domain &d, std::uint32_t pirq)
{
    TRY(mapped(d, pirq));
    return is_line(pirq);
}

void line_pirq_interrupt(unsigned line)
{
    Pirq &p = pirqs[line];
    disable_irq(line);
    if (!p.port)
        return;
    p.ended = false;
    mark_due(p);
}

void message_pirq_interrupt(unsigned vector)
{
    Pirq &p = pirqs[first_message_pirq + vector - message_vector_base];
    if (p.port)
        mark_due(p);
}

void pirq_work()
{
    if (!any_due)
        return;
    any_due = false;
    for (Pirq &p : pirqs)
        if (p.due) {
            p.due = false;
            set_pending(*p.owner, p.port);
        }
}

bool holds_messages(Mfn frame)
{
    for (unsigned i = first_message_pirq; i < max_pirqs; ++i)
        if (pirqs[i].owner && to_mfn(Maddr{pirqs[i].slot.address}) == frame)
            return true;
    return false;
}

}  // namespace hv
