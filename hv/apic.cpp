// SPDX-License-Identifier: MIT
#include <hv/apic.hpp>
#include <hv/map.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

// Register offsets in bytes, SDM Vol. 3A table 10-1.
enum Register : unsigned {
    id = 0x20,
    task_priority = 0x80,
    end_of_interrupt = 0xb0,
    spurious = 0xf0,
    lvt_timer = 0x320,
    lvt_lint0 = 0x350,
    lvt_lint1 = 0x360,
    initial_count = 0x380,
    current_count = 0x390,
    divide = 0x3e0,
};
constexpr std::uint32_t msr_apic_base = 0x1b;
constexpr std::uint32_t apic_enable = 1u << 8, delivery_extint = 7u << 8, delivery_nmi = 4u << 8, divide_by_16 = 3;
constexpr std::uint32_t cpuid_apic = 1u << 9;

std::uint32_t volatile *registers;

std::uint32_t read(Register r) { return registers[r / 4]; }
void write(Register r, std::uint32_t value) { registers[r / 4] = value; }

}  // namespace

bool apic_present() { return registers != nullptr; }

void apic_init()
{
    if (!(x86::cpuid(1).edx & cpuid_apic))
        return;
    std::uint64_t base = x86::rdmsr(msr_apic_base);
    if (!(base & 1u << 11))
        return;  // switched off by the firmware
    registers = static_cast<std::uint32_t volatile *>(map_device(Mfn{static_cast<std::uint32_t>(base >> page_shift)}));
    write(task_priority, 0);
    write(spurious, apic_enable | apic_spurious_vector);
    write(lvt_lint0, delivery_extint);
    write(lvt_lint1, delivery_nmi);
    write(divide, divide_by_16);
    write(lvt_timer, apic_timer_vector);
    write(initial_count, 0);
}

void apic_end_of_interrupt() { write(end_of_interrupt, 0); }
void apic_timer_start(std::uint32_t ticks) { write(initial_count, ticks); }
std::uint32_t apic_timer_left() { return read(current_count); }
std::uint32_t apic_id() { return registers ? read(id) >> 24 : 0; }

}  // namespace hv
