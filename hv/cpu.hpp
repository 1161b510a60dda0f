// SPDX-License-Identifier: MIT
// The processor half of the hypervisor as its other half sees it (boot order: paging -> cpu_init -> build -> start).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
void cpu_init();                       // GDT, IDT, TSS, FPU, segment-limit test (trap.cpp, descriptor.cpp)
void time_init();                      // TSC against the PIT, local APIC timer (time.cpp)
void console_init(char const *command_line);
void events_init(Domain &);

Result<Domain *> create_domain(DomainId id, unsigned vcpus);    // domain.cpp: structures, shared_info, no memory
void destroy_domain(Domain &);                                  // everything back, however it died
// Ends the current domain after a fault it cannot be told about: report on the console, shutdown reason crash.
[[noreturn]] void crash_current_domain(char const *reason, ...) __attribute__((format(printf, 1, 2)));
[[noreturn]] void start_first_domain(Domain &);                 // schedule.cpp: never returns
void send_virq(Domain &, unsigned vcpu, unsigned virq);
void reload_descriptor_tables(Vcpu &);                          // after the GDT/LDT of the running vCPU changed
// descriptor.cpp. check_descriptor: may this descriptor lie in a table that a guest can load? It may shorten the limit.
bool check_descriptor(Domain const &, Descriptor &);
Result<> set_ldt(Vcpu &, std::uint32_t base, std::uint32_t entries);
// hypercall.cpp. restart_hypercall: the call that runs is to be made again, later, with these as its first arguments (in a multicall,
// those of its entry); returns what the caller returns. fill_hypercall_page: 4 KB, in any mapping.
std::int32_t restart_hypercall(std::uint32_t arg0, std::uint32_t arg1, std::uint32_t arg2, std::uint32_t arg3);
void fill_hypercall_page(void *page);
std::uint64_t now_ns();                                         // system time since boot
bool work_pending();                                            // a timer or event for the current vCPU is due
[[noreturn]] void machine_power_off(int status);
[[noreturn]] void machine_reboot();
}    // namespace hv
