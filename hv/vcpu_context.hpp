// SPDX-License-Identifier: MIT
// A vCPU's whole state at once, checked as the single hypercalls check it (vcpu_context.cpp).
#pragma once
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
// Precondition: v is not initialised. On an error v holds nothing it did not hold before.
Result<> set_vcpu_context(Vcpu &v, struct vcpu_guest_context const &);
void release_vcpu_info(Vcpu &v);  // vcpu_op.cpp: back to shared_info, for the vCPU's end
}  // namespace hv
