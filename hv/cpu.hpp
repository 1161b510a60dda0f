// SPDX-License-Identifier: MIT
// The processor half of the hypervisor as its other half sees it (boot order: paging -> cpu_init -> build -> start).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
void cpu_init();   // GDT, IDT, TSS, FPU, segment-limit test (trap.cpp, descriptor.cpp)
void time_init();  // TSC against the PIT, local APIC timer (time.cpp)
void console_init(char const *command_line);

// domain.cpp
struct DomainLimits {
    unsigned vcpus;
    std::int32_t grant_frames = -1, maptrack_frames = -1;  // negative: the default
};
Result<Domain *> create_domain(DomainId id, DomainLimits);  // structures, shared_info; no vCPU, no memory
Result<> create_vcpus(Domain &);                            // all that it may have; after an error: those made so far
// Everything back, however it died; the domain is gone then. Error::again: preempted. Not the caller's own.
Result<> destroy_domain(Domain &);
// Ends the current domain after a fault it cannot be told about: report on the console, shutdown reason crash.
[[noreturn]] void crash_current_domain(char const *reason, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void start_first_domain(Domain &);  // schedule.cpp: never returns
void send_virq(Domain &, unsigned vcpu, unsigned virq);
void reload_descriptor_tables(Vcpu &);  // after the GDT/LDT of the running vCPU changed
std::uint64_t now_ns();                 // system time since boot
bool work_pending();                    // a timer or event for the current vCPU is due
[[noreturn]] void machine_power_off(int status);
[[noreturn]] void machine_reboot();
}  // namespace hv
