// SPDX-License-Identifier: MIT
// Interrupt lines: the ports of event channels. include/pv/xen.h, struct shared_info: pending and mask bits, in two levels.
#include <arch/irq.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <lines.hpp>
#include <pvlib/shared.hpp>

namespace arch {
constinit Line clock_line{}, console_line{};

namespace {
constexpr unsigned bits_per_word = 32;

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

void irq_end(Line) {}

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
