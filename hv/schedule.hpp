// SPDX-License-Identifier: MIT
// Who runs (schedule.cpp), and the end of domains (domain.cpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
// Does what is due (timers, console), switches if another vCPU should run, waits if none can. Returns the one that has
// the processor. Only at the end of an entry: nothing of the interrupted path is left.
Vcpu &choose_vcpu();

void wake(Vcpu &);             // blocked -> runnable
void sleep_current(RunState);  // the current vCPU stops running when the hypervisor is left
void request_reschedule();     // whoever can or cannot run has changed
// Enters the state into the books: state_time_ns, state_entered_ns, the guest's runstate area.
void set_run_state(Vcpu &, RunState);
void write_runstate_area(Vcpu &);  // precondition: v is current
void runstate_now(Vcpu const &, struct vcpu_runstate_info &);

std::uint64_t idle_ns();  // how long the processor has waited for something to do

void shutdown_domain(Domain &, unsigned reason);
}  // namespace hv
