// SPDX-License-Identifier: MIT
#pragma once
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
Result<Vcpu *> create_vcpu(Domain &, unsigned id);  // offline, without state
// Lets go of every frame but the root, of the processor's registers and tables, and of timers.
void disarm_vcpu(Vcpu &);
Result<> reset_vcpu(Vcpu &);  // as created. Precondition: it does not run. Error::again: preempted
void free_vcpu(Vcpu &);       // precondition: its root is released
// A descriptor window to run with. There are fewer of them than there may be vCPUs: those that ran longest ago lose theirs.
void give_window(Vcpu &);
}  // namespace hv
