// SPDX-License-Identifier: MIT
// Interrupt lines: the ports of event channels. include/pv/xen.h, struct shared_info: pending and mask bits, in two levels.
// What is a pin or a message to the machine is a pirq to us, and bound to a port like everything else.
#include <arch/device.hpp>
#include <arch/irq.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <lines.hpp>
#include <pvlib/events.hpp>
#include <pvlib/physdev.hpp>
#include <pvlib/shared.hpp>

namespace arch {
constinit Line clock_line{}, console_line{};

namespace {
constexpr unsigned bits_per_word = 32, max_ports = 1024;
constexpr std::uint16_t no_pirq = 0xffff, wants_eoi = 0x8000;
std::uint16_t pirq_of_port[max_ports];  // wants_eoi: a level interrupt, which the hypervisor keeps masked until we say so

// One locked instruction each: the hypervisor writes these words too.
void set_bit(std::uint32_t volatile *words, unsigned bit)
{
    asm volatile("lock btsl %1, %0" : "+m"(*words) : "r"(bit) : "memory", "cc");
}
void clear_bit(std::uint32_t volatile *words, unsigned bit)
{
    asm volatile("lock btrl %1, %0" : "+m"(*words) : "r"(bit) : "memory", "cc");
}
std::uint32_t take_all(std::uint32_t volatile &word)
{
    std::uint32_t v = 0;
    asm volatile("xchg %0, %1" : "+r"(v), "+m"(word)::"memory");
    return v;
}

bool is_pending(unsigned port)
{
    return (pv::shared_page.evtchn_pending[port / bits_per_word] >> port % bits_per_word & 1) != 0;
}

void dispatch(Line line, TrapFrame &frame)
{
    if (line == clock_line)
        clock_interrupt(frame);
    else if (line == console_line)
        console_interrupt();
    else
        kernel::on_irq(line, frame);
    irq_end(line);
}

Result<Line> bind_pirq(pv::Pirq pirq, pv::Word flags)
{
    auto port = TRY(pv::bind_pirq(static_cast<pv::Word>(pirq), flags));
    auto wants = pv::pirq_needs_eoi(pirq) ? wants_eoi : 0;
    pirq_of_port[port] = static_cast<std::uint16_t>(pirq | wants);
    return Line{static_cast<std::uint16_t>(port)};
}

void dispatch_word(unsigned word, TrapFrame &frame)
{
    auto &shared = pv::shared_page;
    while (auto ready = shared.evtchn_pending[word] & ~shared.evtchn_mask[word]) {
        auto port = word * bits_per_word + static_cast<unsigned>(__builtin_ctz(ready));
        clear_bit(shared.evtchn_pending, port);
        dispatch(Line{static_cast<std::uint16_t>(port)}, frame);
    }
}
}  // namespace

void irq_init()
{
    for (auto &word : pv::shared_page.evtchn_mask)
        word = ~0u;
    for (auto &pirq : pirq_of_port)
        pirq = no_pirq;
    console_bind();
}

void irq_mask(Line line) { set_bit(pv::shared_page.evtchn_mask, line.raw()); }

// What came while it was masked has left its pending bit, but announced nothing.
void irq_unmask(Line line)
{
    clear_bit(pv::shared_page.evtchn_mask, line.raw());
    if (!is_pending(line.raw()))
        return;
    set_bit(&pv::vcpu().evtchn_pending_sel, line.raw() / bits_per_word);
    pv::vcpu().evtchn_upcall_pending = 1;
    if (IrqFlags::enabled())
        IrqFlags::force_upcall();
}

void irq_end(Line line)
{
    auto pirq = pirq_of_port[line.raw()];
    if (pirq != no_pirq && (pirq & wants_eoi))
        pv::end_of_pirq(pirq & ~wants_eoi);
}

// The pirq of a pin bears its GSI's number, so that a pin bound before is found again.
Result<Line> bind_pin(unsigned gsi)
{
    for (unsigned port = 1; port < max_ports; ++port)
        if (pirq_of_port[port] != no_pirq && (pirq_of_port[port] & ~wants_eoi) == static_cast<int>(gsi))
            return Line{static_cast<std::uint16_t>(port)};
    auto pirq = TRY(pv::map_gsi(gsi));
    auto line = bind_pirq(pirq, BIND_PIRQ__WILL_SHARE);
    if (!line.ok())
        (void)pv::unmap_pirq(pirq);
    else
        irq_end(line.value());  // what was pending before is over
    return line;
}

Result<Message> bind_message(MessageSource const &source)
{
    auto pirq = TRY(pv::map_message(source.bus, source.devfn, source.entry, source.table));
    auto line = bind_pirq(pirq, 0);
    if (line.ok())
        return Message{line.value(), true, 0, 0};
    (void)pv::unmap_pirq(pirq);
    return line.error();
}

void unbind_message(Line line)
{
    auto pirq = pirq_of_port[line.raw()];
    if (pirq == no_pirq)
        return;
    pirq_of_port[line.raw()] = no_pirq;
    (void)pv::close(line.raw());
    (void)pv::unmap_pirq(pirq & ~wants_eoi);
}

void irq_dispatch(TrapFrame &frame)
{
    auto &vcpu = pv::vcpu();
    while (vcpu.evtchn_upcall_pending) {
        vcpu.evtchn_upcall_pending = 0;
        for (auto words = take_all(vcpu.evtchn_pending_sel); words; words &= words - 1)
            dispatch_word(static_cast<unsigned>(__builtin_ctz(words)), frame);
    }
}
}  // namespace arch
