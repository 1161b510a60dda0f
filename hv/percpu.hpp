// SPDX-License-Identifier: MIT
// What belongs to one physical processor. One accessor, this_cpu(): more processors need only another answer of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <lib/x86/descriptor.hpp>

namespace hv {
struct Vcpu;

// SDM Vol. 3A 7.2.1 "Task-State Segment (TSS)".
struct Tss {
    std::uint32_t link;
    std::uint32_t esp0, ss0, esp1, ss1, esp2, ss2;
    std::uint32_t cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    std::uint32_t es, cs, ss, ds, fs, gs, ldt;
    std::uint16_t trap, io_map;
};
static_assert(sizeof(Tss) == 104 && offsetof(Tss, io_map) == 102);

inline constexpr unsigned cpu_stack_bytes = 16384;

struct Cpu {
    Vcpu *current = nullptr;   // whose registers, tables and FPU the processor holds; stays set while idle
    bool idle = true;          // no vCPU runs
    bool reschedule = false;   // set by anyone who made the choice of the running vCPU doubtful
    bool timer_due = false;    // the timer interrupt came
    bool device_work = false;  // an interrupt left something to console_work() or pirq_work()
    Tss tss = {};
    Tss double_fault_tss = {};
    alignas(8) Descriptor idt[256] = {};
};

extern Cpu the_cpu;  // domain.cpp
inline Cpu &this_cpu() { return the_cpu; }
inline Vcpu &current() { return *this_cpu().current; }

// entry.S
extern "C" std::uint8_t cpu_stack[], cpu_stack_top[];
// Abandons the current stack and goes to whatever vCPU should run: the end of every path that cannot simply return.
extern "C" [[noreturn]] void exit_to_guest();
}  // namespace hv
