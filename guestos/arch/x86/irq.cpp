// SPDX-License-Identifier: MIT
// Interrupt lines: the pins of the two 8259 controllers. Intel 8259A data sheet: initialisation (ICW1-4) and operation (OCW2,
// OCW3) command words.
#include <arch/irq.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <lib/x86/priv.hpp>
#include <lines.hpp>
#include <traps.hpp>

namespace arch {
namespace {
constexpr std::uint16_t master = 0x20, slave = 0xa0;  // command; data is the port after it
constexpr unsigned cascade = 2;
constexpr std::uint8_t end_of_interrupt = 0x20, read_in_service = 0x0b;
constinit std::uint16_t masked = 0xffff & ~(1u << cascade);

void write_masks()
{
    x86::outb(master + 1, static_cast<std::uint8_t>(masked));
    x86::outb(slave + 1, static_cast<std::uint8_t>(masked >> 8));
}

void init_controller(std::uint16_t port, std::uint8_t first_vector, std::uint8_t wiring)
{
    x86::outb(port, 0x11);  // ICW1: edge triggered, cascaded, ICW4 follows
    x86::outb(port + 1, first_vector);
    x86::outb(port + 1, wiring);
    x86::outb(port + 1, 1);  // ICW4: 8086 mode
}

// A line that went away before it was acknowledged shows as the controller's lowest one, without being in service.
bool spurious(unsigned line)
{
    if (line != 7 && line != 15)
        return false;
    std::uint16_t port = line == 7 ? master : slave;
    x86::outb(port, read_in_service);
    if (x86::inb(port) & 0x80)
        return false;
    if (line == 15)
        x86::outb(master, end_of_interrupt);
    return true;
}
}  // namespace

void irq_init()
{
    init_controller(master, first_irq_vector, 1u << cascade);
    init_controller(slave, first_irq_vector + 8, cascade);
    write_masks();
    irq_unmask(clock_line);
    irq_unmask(console_line);
}

void irq_mask(Line line)
{
    masked |= static_cast<std::uint16_t>(1u << line.raw());
    write_masks();
}

void irq_unmask(Line line)
{
    masked &= static_cast<std::uint16_t>(~(1u << line.raw()));
    write_masks();
}

void irq_end(Line line)
{
    if (line.raw() >= 8)
        x86::outb(slave, end_of_interrupt);
    x86::outb(master, end_of_interrupt);
}

void irq_dispatch(TrapFrame &frame)
{
    Line line{static_cast<std::uint16_t>(frame.vector - first_irq_vector)};
    if (spurious(line.raw()))
        return;
    if (line == clock_line) {
        irq_end(line);
        clock_interrupt(frame);
    } else if (line == console_line) {
        irq_end(line);
        console_interrupt();
    } else {
        kernel::on_irq(line, frame);
    }
}
}  // namespace arch
