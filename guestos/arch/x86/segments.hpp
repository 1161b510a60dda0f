// SPDX-License-Identifier: MIT
// The kernel's own segments: ring 0, in its own table.
#pragma once
#include <lib/x86/descriptor.hpp>
#include <user_segments.hpp>

namespace arch {
inline constexpr unsigned kernel_ring = 0, kernel_cs_index = 12, kernel_ds_index = 13;
inline constexpr std::uint32_t segment_limit = 0xffff'ffff;  // the last byte a flat segment reaches
inline constexpr auto kernel_cs = Selector::gdt(kernel_cs_index, kernel_ring);
inline constexpr auto kernel_ss = Selector::gdt(kernel_ds_index, kernel_ring);
}  // namespace arch
