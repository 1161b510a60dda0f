// SPDX-License-Identifier: MIT
// The kernel's own segments: ring 1, in the hypervisor's part of every GDT.
#pragma once
#include <lib/x86/descriptor.hpp>
#include <pv/arch-x86_32.h>
#include <user_segments.hpp>

namespace arch {
inline constexpr unsigned kernel_ring = 1;
inline constexpr std::uint32_t segment_limit = 0xfbff'ffff;  // the last byte a flat segment reaches
inline constexpr Selector kernel_cs{FLAT_KERNEL_CS}, kernel_ss{FLAT_KERNEL_SS};
}  // namespace arch
