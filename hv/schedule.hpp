// SPDX-License-Identifier: MIT
// Who runs (run_queue.cpp, schedule.cpp), the books of who ran (runstate.cpp), and the end of domains (domain.cpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
// Does what is due (timers, console), switches if another vCPU should run, waits if none can. Returns the one that has
// the processor. Only at the end of an entry: nothing of the interrupted path is left.
Vcpu &choose_vcpu();
inline Vcpu &vcpu_to_run()  // the same, quick when there is nothing to do
{
    Cpu const &cpu = this_cpu();
    bool work = cpu.idle | cpu.reschedule | cpu.timer_due | cpu.device_work;
    return work ? choose_vcpu() : *cpu.current;
}
void request_reschedule();  // choose_vcpu shall choose anew

void wake(Vcpu &);                     // not blocked any more
void block_current();                  // the current vCPU stops running when the hypervisor is left
void yield_current();                  // lets the next one run first
void set_online(Vcpu &, bool online);  // precondition of true: it is initialised, or will be before it runs
// Something else that can_run asks for has changed: of a vCPU, of all of a domain's.
void reconsider(Vcpu &);
void reconsider(Domain &);

// weight 1 to 65535; cap in per cent of one processor, 0: none.
void set_share(Domain &, unsigned weight, unsigned cap);
// Nanoseconds: the longest turn while others wait, and the shortest against one that wakes up.
void get_schedule(std::int64_t &slice, std::int64_t &rate_limit);
void set_schedule(std::int64_t slice, std::int64_t rate_limit);
std::uint64_t idle_ns();  // how long the processor has waited for something to do

// Enters the state into the books: state_time_ns, state_entered_ns, the guest's runstate area.
void set_run_state(Vcpu &, RunState);
void rest(Vcpu &);                 // it leaves the processor, for whatever reason
void write_runstate_area(Vcpu &);  // precondition: v is current
void runstate_now(Vcpu const &, struct vcpu_runstate_info &);

void shutdown_domain(Domain &, unsigned reason);
}  // namespace hv
