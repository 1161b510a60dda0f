// SPDX-License-Identifier: MIT
// The kernel's own segments: ring 1, in the hypervisor's part of every GDT.
#pragma once
#include <lib/x86/descriptor.hpp>
#include <pv/arch-x86_32.h>
#include <user_segments.hpp>

namespace arch {
inline constexpr std::uint32_t segment_limit = 0xfbff'ffff;  // the last byte a flat segment reaches
inline constexpr auto kernel_cs = Selector{FLAT_KERNEL_CS};
inline constexpr auto kernel_ss = Selector{FLAT_KERNEL_SS};
}  // namespace arch
