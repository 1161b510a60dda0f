// SPDX-License-Identifier: MIT
// The machine around the processor: the serial line COM1 (16550 data sheet, "Registers"), and how the machine ends.
#include <arch/irq.hpp>
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <early.hpp>
#include <input_ring.hpp>
#include <lib/x86/priv.hpp>

namespace arch {
namespace {
constexpr std::uint16_t com1 = 0x3f8;
enum Register : std::uint16_t {
    data = 0,
    interrupt_enable = 1,
    fifo = 2,
    line_control = 3,
    modem_control = 4,
    line_status = 5
};
constexpr std::uint8_t received = 1, transmitter_empty = 0x20;
constexpr unsigned fifo_bytes = 16;
constexpr std::size_t console_piece = 4096;  // a program's write goes out in pieces of that
constinit InputRing input;
constinit unsigned depth = 1;      // bytes that the transmitter takes at once
constinit bool held_back = false;  // the ring is full: the rest stays in the UART, and its sender waits

void write_register(Register r, std::uint8_t v) { x86::outb(static_cast<std::uint16_t>(com1 + r), v); }

std::uint8_t read_register(Register r) { return x86::inb(static_cast<std::uint16_t>(com1 + r)); }

// Switching the FIFO on loses what has been received: if somebody sends already it stays off.
void enable_fifo()
{
    if (read_register(line_status) & received)
        return;
    write_register(fifo, 0xc1);  // interrupt at 14 bytes or a pause
    depth = fifo_bytes;
}

void receive()
{
    while (!input.full() && (read_register(line_status) & received))
        input.put(static_cast<char>(read_register(data)));
    if (held_back == input.full())
        return;
    held_back = input.full();
    write_register(interrupt_enable, held_back ? 0 : received);
}

void exit_debugger(std::uint32_t status)
{
    x86::outl(0xf4, status);  // QEMU's isa-debug-exit: ends with status * 2 + 1
}

[[noreturn]] void stop()
{
    for (;;) {
        x86::cli();
        x86::hlt();
    }
}
}  // namespace

void console_early_init()
{
    write_register(interrupt_enable, 0);
    write_register(line_control, 0x80);  // the next two set the divisor: 115200 baud
    write_register(data, 1);
    write_register(interrupt_enable, 0);
    write_register(line_control, 3);  // 8 bits, no parity, one stop bit
    enable_fifo();
    write_register(modem_control, 0xb);  // DTR, RTS, and OUT2, which lets the interrupt out
    write_register(interrupt_enable, received);
}

void console_write(char const *text, std::size_t n)
{
    IrqGuard guard;
    while (n) {
        while (!(read_register(line_status) & transmitter_empty)) {}
        for (unsigned i = 0; i < depth && n; ++i, --n)
            write_register(data, static_cast<std::uint8_t>(*text++));
    }
}

// The wire is waited for; nobody can hold it back.
std::size_t console_room() { return console_piece; }

std::size_t console_read(char *out, std::size_t n)
{
    IrqGuard guard;
    n = input.take(out, n);
    if (held_back)
        receive();
    return n;
}

void console_interrupt()
{
    receive();
    if (!input.empty())
        kernel::on_console_input();
}

// Status 0 is ACPI's power button on QEMU's machines and Bochs's; QEMU acts on it a moment later.
void power_off(int status)
{
    IrqFlags::disable();
    if (status)
        exit_debugger(static_cast<std::uint32_t>(status));
    // Soft off ends the machine a moment later; the debug exit's status is never 0.
    x86::outw(0x604, 0x2000);
    x86::outw(0xb004, 0x2000);
    stop();
}

void reboot()
{
    IrqFlags::disable();
    x86::outb(0x64, 0xfe);  // the keyboard controller pulses the reset line
    stop();
}

void halt_forever() { power_off(1); }
}  // namespace arch
