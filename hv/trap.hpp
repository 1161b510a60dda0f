// SPDX-License-Identifier: MIT
// Exceptions, interrupts and what the guest is told of them.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
inline constexpr unsigned irq_vector_base = 0x20;      // the two 8259: 16 vectors
inline constexpr unsigned message_vector_base = 0x30;  // message_pirqs of them (pirq.hpp)
inline constexpr unsigned int80_vector = 0x80;
inline constexpr unsigned hypercall_vector = 0x82;
inline constexpr unsigned apic_timer_vector = 0xf0;
inline constexpr unsigned apic_spurious_vector = 0xff;

// bounce.cpp. Builds the guest's frame and redirects regs to its handler; the domain ends if the stack cannot be written
// or there is no handler.
void inject_exception(Vcpu &, unsigned vector, std::uint32_t error);
void inject_page_fault(Vcpu &, std::uint32_t address);  // with regs.error
void inject_software_interrupt(Vcpu &, unsigned vector);
void inject_event_upcall(Vcpu &);
void inject_failsafe(Vcpu &);
bool exception_has_error(unsigned vector);
// EFLAGS as ring 0 may load them for a guest: IF on; IOPL, NT, VM and the virtual-8086 bits off.
constexpr std::uint32_t safe_eflags(std::uint32_t eflags) { return (eflags & 0x0025'0dd5u) | 0x202u; }
// EFLAGS as the guest sees them: IF tells whether its events are unmasked, IOPL what it asked for.
std::uint32_t visible_eflags(Vcpu &);

// emulate.cpp. After a #GP or #UD in ring 1 (or ring 3 for cpuid): true if the instruction was carried out.
bool emulate_instruction(Vcpu &);
bool emulate_forced(Vcpu &);

// fpu.cpp
void fpu_init();
void fpu_reset(Vcpu &);                 // a vCPU that has not run: to the processor's initial state
void fpu_load(Vcpu &);                  // it gets the processor
void fpu_save(Vcpu &);                  // and loses it
void fpu_device_not_available(Vcpu &);  // #NM from a guest that asked for it

// debug registers
void load_debug_registers(Vcpu const &);

// irq.cpp
void irq_init();
void handle_interrupt(unsigned vector);
void enable_irq(unsigned irq);
void disable_irq(unsigned irq);

// report.cpp
void report_registers(GuestRegs const &, bool of_ring0);
void report_backtrace(std::uint32_t eip, std::uint32_t ebp, bool guest);
void describe_address(std::uint32_t address, char *out, unsigned bytes);  // "function+0x12", "" if none

inline constexpr unsigned perf_ring0_kinds = 4;
}  // namespace hv
