// SPDX-License-Identifier: MIT
// A vCPU's whole state at once, checked as the single hypercalls check it (vcpu_context.cpp).
#pragma once
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
// Error::opnotsupp: v is initialised and other tables are asked for. Error::again: preempted. On any error v is as before.
// Precondition: v does not run.
Result<> set_vcpu_context(Vcpu &v, struct vcpu_guest_context const &);
void get_vcpu_context(Vcpu const &v, struct vcpu_guest_context &);  // precondition: v does not run
void release_vcpu_info(Vcpu &v);  // vcpu_op.cpp: back to shared_info, for the vCPU's end
}  // namespace hv
