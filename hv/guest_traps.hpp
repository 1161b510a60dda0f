// SPDX-License-Identifier: MIT
// What vcpu_context.cpp checks by the same rules as the hypercalls of guest_traps.cpp and descriptor.cpp.
#pragma once
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
Result<> set_trap(Vcpu &, struct trap_info const &);
bool check_debug_register(unsigned reg, std::uint32_t value);  // 0-3, 6, 7
Result<> set_debug_register(Vcpu &, unsigned reg, std::uint32_t value);
Result<> set_gdt(Vcpu &, std::uint32_t const *mfns, std::uint32_t entries);
}  // namespace hv
