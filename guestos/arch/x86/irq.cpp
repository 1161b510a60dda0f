// SPDX-License-Identifier: MIT
// Interrupt lines: the pins of the IO-APIC, messages of devices, and what the local APIC raises itself. A line's vector is
// first_irq_vector + its number. Intel SDM Vol. 3A, chapter 10; 82093AA data sheet.
//
//   line 0 .. 23   IO-APIC pins: ISA lines by their number (8259's line 0 has no device here), PCI's by their GSI
//        24 .. 79  messages
//        80        the local APIC's timer
//        95        spurious, never seen by anybody
//
// The two 8259 stay masked.
#include <arch/device.hpp>
#include <arch/irq.hpp>
#include <arch/upcalls.hpp>
#include <cpuid_impl.hpp>
#include <early.hpp>
#include <lib/panic.hpp>
#include <lib/x86/apic.hpp>
#include <lib/x86/priv.hpp>
#include <lines.hpp>
#include <traps.hpp>

namespace arch {
namespace {
constexpr x86::LocalApicAt local_apic{x86::local_apic_default_base};  // boot.cpp maps both where they are
constexpr x86::IoApicAt io_apic{x86::io_apic_default_base};
constexpr unsigned max_pins = 24, first_message = max_pins, messages = clock_line.raw() - first_message;
constexpr std::uint16_t master_8259 = 0x20, slave_8259 = 0xa0;  // command; data is the port after it
constexpr unsigned unused_vectors = 0x20;                       // the 8259s must not raise exceptions' vectors

std::uint32_t entries[max_pins];  // low halves of the redirection entries, as the IO-APIC has them
unsigned pins = 0;
enum class MessageState : std::uint8_t { free, masked, came_masked, open };
constinit MessageState message_states[messages]{};

void write_pin(unsigned pin, std::uint32_t entry)
{
    entries[pin] = entry;
    io_apic.write(x86::io_apic_redirection + 2 * pin, entry);
}

unsigned vector_of(Line line) { return first_irq_vector + line.raw(); }

void init_pins()
{
    pins = io_apic.pins() < max_pins ? io_apic.pins() : max_pins;
    for (unsigned pin = 0; pin < pins; ++pin) {
        Line line{static_cast<std::uint16_t>(pin)};
        write_pin(pin, vector_of(line) | x86::io_apic_masked);
        io_apic.write(x86::io_apic_redirection + 2 * pin + 1, local_apic.number() << 24);
    }
}

void silence_8259(std::uint16_t port, std::uint8_t wiring)
{
    x86::outb(port, 0x11);  // ICW1: edge triggered, cascaded, ICW4 follows
    x86::outb(port + 1, unused_vectors);
    x86::outb(port + 1, wiring);
    x86::outb(port + 1, 1);  // ICW4: 8086 mode
    x86::outb(port + 1, 0xff);
}

void init_local_apic()
{
    constexpr unsigned cpuid_apic = 9;
    if (!(cpuid(1).edx >> cpuid_apic & 1) || !(x86::rdmsr(x86::msr_apic_base) & x86::msr_apic_base_enabled))
        panic("this processor has no local APIC, or its firmware has switched it off; Lodger needs it natively");
    local_apic.write(x86::LocalApic::task_priority, 0);
    local_apic.write(x86::LocalApic::spurious, x86::apic_software_enable | spurious_vector);
    local_apic.write(x86::LocalApic::lvt_lint0, x86::apic_masked);
    local_apic.write(x86::LocalApic::lvt_lint1, x86::apic_delivery_nmi);
    local_apic.write(x86::LocalApic::divide, x86::apic_divide_by_16);
    local_apic.write(x86::LocalApic::lvt_timer, vector_of(clock_line));
    local_apic.write(x86::LocalApic::initial_count, 0);
}

MessageState *message(Line line)
{
    auto i = line.raw() - first_message;
    return i < messages ? &message_states[i] : nullptr;
}

// Whether the message is for somebody now; if not, irq_unmask() brings it back.
bool message_passes(Line line)
{
    auto state = message(line);
    if (!state || *state == MessageState::open)
        return true;
    if (*state == MessageState::masked)
        *state = MessageState::came_masked;
    return false;
}
}  // namespace

void irq_init()
{
    silence_8259(master_8259, 1u << 2);
    silence_8259(slave_8259, 2);
    init_local_apic();
    init_pins();
    if (pins == 0)
        kernel::log("<3>no IO-APIC: only the timer and message interrupts will work\n");
    irq_unmask(console_line);
}

void irq_mask(Line line)
{
    IrqGuard guard;
    if (line.raw() < pins)
        write_pin(line.raw(), entries[line.raw()] | x86::io_apic_masked);
    else if (auto state = message(line); state && *state == MessageState::open)
        *state = MessageState::masked;
}

void irq_unmask(Line line)
{
    IrqGuard guard;
    if (line.raw() < pins)
        return write_pin(line.raw(), entries[line.raw()] & ~x86::io_apic_masked);
    auto state = message(line);
    if (!state || *state == MessageState::free)
        return;
    if (*state == MessageState::came_masked)
        local_apic.write(x86::LocalApic::interrupt_command, x86::apic_self | vector_of(line));
    *state = MessageState::open;
}

void irq_end(Line) { local_apic.end_of_interrupt(); }

// A pin below 16 comes through the ISA bridge's router, which turns PCI's active-low signal round.
Result<Line> bind_pin(unsigned gsi)
{
    if (gsi >= pins || Line{static_cast<std::uint16_t>(gsi)} == console_line)
        return Error::nodev;
    auto polarity = gsi < 16 ? 0 : x86::io_apic_active_low;
    IrqGuard guard;
    write_pin(gsi, entries[gsi] | x86::io_apic_level | polarity);
    return Line{static_cast<std::uint16_t>(gsi)};
}

Result<Message> bind_message(MessageSource const &)
{
    IrqGuard guard;
    for (unsigned i = 0; i < messages; ++i)
        if (message_states[i] == MessageState::free) {
            message_states[i] = MessageState::masked;
            Line line{static_cast<std::uint16_t>(first_message + i)};
            return Message{line, false, x86::message_address(local_apic.number()), x86::message_data(vector_of(line))};
        }
    return Error::nospc;
}

void unbind_message(Line line)
{
    IrqGuard guard;
    if (auto state = message(line))
        *state = MessageState::free;
}

void irq_dispatch(TrapFrame &frame)
{
    if (frame.vector == spurious_vector)  // in service nowhere
        return;
    Line line{static_cast<std::uint16_t>(frame.vector - first_irq_vector)};
    if (line == clock_line)
        clock_interrupt(frame);
    else if (line == console_line)
        console_interrupt();
    else if (message_passes(line))
        kernel::on_irq(line, frame);
    irq_end(line);
}
}  // namespace arch
