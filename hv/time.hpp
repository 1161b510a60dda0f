// SPDX-License-Identifier: MIT
// System time: nanoseconds since the hypervisor started its clock, one for all processors and domains (now_ns, cpu.hpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
void update_vcpu_time(Vcpu &);    // vcpu_info.time: when the vCPU gets a processor, and now and then
void write_time_area(Vcpu &);     // the copy of it where the guest asked for one, if v is current
void update_wallclock(Domain &);  // shared_info.wc_*
void run_timers();                // sends what is due and sets the next alarm
void deadline_changed(Vcpu &);    // its timers, its poll, or whether they count: not those of a domain that ended
void rearm_timer();               // the scheduler's deadline changed
std::uint32_t tsc_khz();
std::uint64_t wallclock_seconds();
}  // namespace hv
