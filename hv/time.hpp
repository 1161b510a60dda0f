// SPDX-License-Identifier: MIT
// System time: nanoseconds since the hypervisor started its clock, one for all processors and domains (now_ns, cpu.hpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
void update_vcpu_time(Vcpu &);         // vcpu_info.time: when the vCPU gets a processor, and now and then
void update_wallclock(Domain &);       // shared_info.wc_*
void run_timers();                     // sends what is due and sets the next alarm
void rearm_timer();                    // somebody's deadline changed
void set_slice_end(std::uint64_t ns);  // 0: nobody else wants the processor
std::uint32_t tsc_khz();
std::uint64_t wallclock_seconds();
}  // namespace hv
