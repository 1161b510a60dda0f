// SPDX-License-Identifier: MIT
// What VCPUOP_initialise checks by the same rules as the hypercalls of guest_traps.cpp and descriptor.cpp.
#pragma once
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
Result<> set_trap(Vcpu &, struct trap_info const &);
Result<> set_debug_register(Vcpu &, unsigned reg, std::uint32_t value);
Result<> set_gdt(Vcpu &, std::uint32_t const *mfns, std::uint32_t entries);
}  // namespace hv
