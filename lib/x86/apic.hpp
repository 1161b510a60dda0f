// SPDX-License-Identifier: MIT
// The local APIC and the IO-APIC: registers and the form of what is written there. Intel SDM Vol. 3A, chapter 10 (table 10-1;
// 10.11 for messages); 82093AA IO-APIC data sheet, 3.1 and 3.2.
#pragma once
#include <cstdint>

namespace x86 {
// Byte offsets from the local APIC's base; every register is 16 bytes from the next, 32 bits of them used.
enum class LocalApic : unsigned {
    id = 0x20,  // bits 24-31
    task_priority = 0x80,
    end_of_interrupt = 0xb0,
    spurious = 0xf0,
    interrupt_command = 0x300,
    lvt_timer = 0x320,
    lvt_lint0 = 0x350,
    lvt_lint1 = 0x360,
    initial_count = 0x380,
    current_count = 0x390,
    divide = 0x3e0,
};
inline constexpr std::uint32_t local_apic_default_base = 0xfee0'0000;
inline constexpr std::uint32_t msr_apic_base = 0x1b, msr_apic_base_enabled = 1u << 11;
inline constexpr std::uint32_t apic_software_enable = 1u << 8;  // spurious register
inline constexpr std::uint32_t apic_delivery_nmi = 4u << 8, apic_delivery_extint = 7u << 8, apic_masked = 1u << 16;
inline constexpr std::uint32_t apic_self = 1u << 18;  // interrupt command: destination shorthand
inline constexpr std::uint32_t apic_divide_by_16 = 3;

// The IO-APIC has an index register and a window on the register chosen: at these byte offsets.
inline constexpr std::uint32_t io_apic_default_base = 0xfec0'0000;
inline constexpr unsigned io_apic_select = 0x00, io_apic_window = 0x10;
inline constexpr std::uint8_t io_apic_version = 0x01, io_apic_redirection = 0x10;  // two for each pin: low, high
inline constexpr std::uint32_t io_apic_active_low = 1u << 13, io_apic_level = 1u << 15, io_apic_masked = 1u << 16;

// The registers, wherever they are mapped.
class LocalApicAt {
public:
    constexpr explicit LocalApicAt(std::uint32_t address) : address_{address} {}
    std::uint32_t read(LocalApic r) const { return *at(r); }
    void write(LocalApic r, std::uint32_t value) const { *at(r) = value; }
    std::uint32_t number() const { return read(LocalApic::id) >> 24; }
    void end_of_interrupt() const { write(LocalApic::end_of_interrupt, 0); }

private:
    std::uint32_t volatile *at(LocalApic r) const
    {
        return reinterpret_cast<std::uint32_t volatile *>(
            static_cast<std::uintptr_t>(address_ + static_cast<unsigned>(r)));
    }
    std::uint32_t address_;
};
class IoApicAt {
public:
    constexpr explicit IoApicAt(std::uint32_t address) : address_{address} {}
    std::uint32_t read(unsigned index) const
    {
        *at(io_apic_select) = index;
        return *at(io_apic_window);
    }
    void write(unsigned index, std::uint32_t value) const
    {
        *at(io_apic_select) = index;
        *at(io_apic_window) = value;
    }
    // 0: there is none at that address.
    unsigned pins() const
    {
        auto version = read(io_apic_version);
        return version == ~0u ? 0 : (version >> 16 & 0xff) + 1;
    }

private:
    std::uint32_t volatile *at(unsigned offset) const
    {
        return reinterpret_cast<std::uint32_t volatile *>(static_cast<std::uintptr_t>(address_ + offset));
    }
    std::uint32_t address_;
};

// What a device writes, and where, to raise a vector on one processor: fixed delivery, edge-triggered.
constexpr std::uint32_t message_address(std::uint32_t apic_id) { return local_apic_default_base | apic_id << 12; }
constexpr std::uint32_t message_data(unsigned vector) { return vector; }
}  // namespace x86
