// SPDX-License-Identifier: MIT
// Interrupts of the machine: two 8259 for lines, the local APIC for the timer and for messages. Both 8259 reach the processor
// through the APIC's LINT0 (virtual wire mode). Vectors 0x20-0x2f lines, 0x30-0x57 messages, 0xf0 timer, 0xff spurious. SDM
// Vol. 3A chapter 10; 8259A data sheet.
//
// An interrupt only notes what is to be done: it may have come from the idle loop of this processor.
#include <hv/apic.hpp>
#include <hv/console.hpp>
#include <hv/log.hpp>
#include <hv/percpu.hpp>
#include <hv/pirq.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::uint16_t master_command = 0x20, master_data = 0x21, slave_command = 0xa0, slave_data = 0xa1;
constexpr std::uint8_t read_in_service = 0x0b, specific_eoi = 0x60;
constexpr unsigned cascade_irq = 2, timer_irq = 0;

std::uint16_t line_mask = 0xffff;

void write_mask()
{
    x86::outb(master_data, static_cast<std::uint8_t>(line_mask));
    x86::outb(slave_data, static_cast<std::uint8_t>(line_mask >> 8));
}

void init_8259()
{
    x86::outb(master_command, 0x11);  // ICW1: edge, cascade, ICW4
    x86::outb(slave_command, 0x11);
    x86::outb(master_data, irq_vector_base);
    x86::outb(slave_data, irq_vector_base + 8);
    x86::outb(master_data, 1u << cascade_irq);
    x86::outb(slave_data, cascade_irq);
    x86::outb(master_data, 1);  // ICW4: 8086 mode
    x86::outb(slave_data, 1);
    line_mask = static_cast<std::uint16_t>(~(1u << cascade_irq));
    write_mask();
}

// Lines 7 and 15 also stand for "there was an interrupt, and it has gone": then they are not in service.
bool is_spurious(unsigned irq)
{
    if ((irq & 7) != 7)
        return false;
    std::uint16_t port = irq < 8 ? master_command : slave_command;
    x86::outb(port, read_in_service);
    bool spurious = !(x86::inb(port) & 0x80);
    if (spurious && irq >= 8)
        x86::outb(master_command, specific_eoi | cascade_irq);
    return spurious;
}

void acknowledge(unsigned irq)
{
    if (irq >= 8) {
        x86::outb(slave_command, static_cast<std::uint8_t>(specific_eoi | (irq & 7)));
        irq = cascade_irq;
    }
    x86::outb(master_command, static_cast<std::uint8_t>(specific_eoi | irq));
}

void handle_line(unsigned irq)
{
    if (is_spurious(irq))
        return;
    if (irq == timer_irq)
        this_cpu().timer_due = true;
    else if (irq == serial_irq)
        serial_interrupt();
    else
        line_pirq_interrupt(irq);
    acknowledge(irq);
}

}  // namespace

void irq_init()
{
    init_8259();
    apic_init();
}

void enable_irq(unsigned irq)
{
    line_mask = static_cast<std::uint16_t>(line_mask & ~(1u << irq));
    write_mask();
}

void disable_irq(unsigned irq)
{
    line_mask = static_cast<std::uint16_t>(line_mask | 1u << irq);
    write_mask();
}

void handle_interrupt(unsigned vector)
{
    if (vector - irq_vector_base < 16)
        return handle_line(vector - irq_vector_base);
    if (vector == apic_timer_vector)
        this_cpu().timer_due = true;
    else if (vector - message_vector_base < message_pirqs)
        message_pirq_interrupt(vector);
    else
        return;
    apic_end_of_interrupt();
}

}  // namespace hv
