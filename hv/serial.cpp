// SPDX-License-Identifier: MIT
// National Semiconductor PC16550D data sheet. Written to by polling: with a 16-byte FIFO to fill per wait, and because a
// message must be out when the machine stops.
#include <cstdint>
#include <hv/serial.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

constexpr std::uint16_t base = 0x3f8;
enum Register : std::uint16_t {
    data = base,
    interrupt_enable = base + 1,
    fifo_control = base + 2,
    line_control = base + 3,
    modem_control = base + 4,
    line_status = base + 5,
    scratch = base + 7,
};
constexpr std::uint8_t data_ready = 1, transmit_empty = 0x20, idle = 0x40;
constexpr unsigned fifo_bytes = 16;
constexpr std::uint8_t divisor_115200 = 1;
constexpr unsigned patience = 10'000'000;  // polls; a UART that takes nothing for so long is dead

bool present;

// How many bytes the transmitter takes at once.
unsigned depth = 1;

// Switching the FIFO on loses what has been received, and to read that first only lets the next byte in. So if somebody
// sends already it stays off: each byte then waits for the one before it to be read.
void enable_fifo()
{
    if (x86::inb(line_status) & data_ready)
        return;
    x86::outb(fifo_control, 1);  // interrupt at the first byte
    depth = fifo_bytes;
}

bool wait_for(std::uint8_t status)
{
    for (unsigned i = 0; i < patience; ++i)
        if (x86::inb(line_status) & status)
            return true;
    present = false;
    return false;
}

}  // namespace

bool serial_init()
{
    x86::outb(scratch, 0x5a);
    if (x86::inb(scratch) != 0x5a)
        return false;
    x86::outb(interrupt_enable, 0);
    x86::outb(line_control, 0x80);  // divisor latch
    x86::outb(data, divisor_115200);
    x86::outb(interrupt_enable, 0);
    x86::outb(line_control, 3);      // 8 bits, no parity, 1 stop bit
    x86::outb(modem_control, 0x0b);  // DTR, RTS, OUT2 (lets the interrupt out)
    enable_fifo();
    present = true;
    return true;
}

void serial_write(char const *bytes, std::size_t count)
{
    while (count && present) {
        if (!wait_for(transmit_empty))
            return;
        for (unsigned i = 0; i < depth && count; ++i, --count)
            x86::outb(data, static_cast<std::uint8_t>(*bytes++));
    }
}

void serial_drain()
{
    if (present)
        wait_for(idle);
}

bool serial_has_input() { return present && (x86::inb(line_status) & data_ready); }
char serial_read() { return static_cast<char>(x86::inb(data)); }

void serial_receive_interrupts(bool on)
{
    if (present)
        x86::outb(interrupt_enable, on);
}

}  // namespace hv
