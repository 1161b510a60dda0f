// SPDX-License-Identifier: MIT
#include <hv/apic.hpp>
#include <hv/map.hpp>
#include <hv/trap.hpp>
#include <lib/x86/apic.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

using x86::LocalApic;
constexpr std::uint32_t cpuid_apic = 1u << 9;

std::uint32_t volatile *registers;

std::uint32_t read(LocalApic r) { return registers[static_cast<unsigned>(r) / 4]; }
void write(LocalApic r, std::uint32_t value) { registers[static_cast<unsigned>(r) / 4] = value; }

}  // namespace

bool apic_present() { return registers != nullptr; }

void apic_init()
{
    if (!(x86::cpuid(1).edx & cpuid_apic))
        return;
    std::uint64_t base = x86::rdmsr(x86::msr_apic_base);
    if (!(base & x86::msr_apic_base_enabled))
        return;  // switched off by the firmware
    registers = static_cast<std::uint32_t volatile *>(map_device(Mfn{static_cast<std::uint32_t>(base >> page_shift)}));
    write(LocalApic::task_priority, 0);
    write(LocalApic::spurious, x86::apic_software_enable | apic_spurious_vector);
    write(LocalApic::lvt_lint0, x86::apic_delivery_extint);
    write(LocalApic::lvt_lint1, x86::apic_delivery_nmi);
    write(LocalApic::divide, x86::apic_divide_by_16);
    write(LocalApic::lvt_timer, apic_timer_vector);
    write(LocalApic::initial_count, 0);
}

void apic_end_of_interrupt() { write(LocalApic::end_of_interrupt, 0); }
void apic_timer_start(std::uint32_t ticks) { write(LocalApic::initial_count, ticks); }
std::uint32_t apic_timer_left() { return read(LocalApic::current_count); }
std::uint32_t apic_id() { return registers ? read(LocalApic::id) >> 24 : 0; }

}  // namespace hv
