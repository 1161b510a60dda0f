// SPDX-License-Identifier: MIT
// The hypervisor's 64 MB at the top of every address space, and the machine-to-physical window below it.
//
//   0x0000_0000 +------------------------------+
//               | guest: ring 3 and ring 1     |  the guest's own page tables
//   0xF580_0000 +------------------------------+  hypervisor_virt_start: guests own nothing above
//               | machine-to-physical, 4 MB    |  readable by ring 1, writable by nobody
//   0xF5C0_0000 +------------------------------+
//               | unmapped                     |
//   0xFC00_0000 +==============================+  hole_start: no guest segment reaches here
//               | machine-to-physical, 4 MB    |  the writable view
//   0xFC40_0000 +------------------------------+
//               | frame table, 24 MB           |  24 bytes for each of 1 Mi frames
//   0xFDC0_0000 +------------------------------+
//               | frame mappings, 4 MB         |  1022 cached slots for any frame + the local APIC + a device for the moment
//   0xFE00_0000 +------------------------------+
//               | image and heap, 16 MB        |  machine address 1 MB onwards
//   0xFF00_0000 +------------------------------+
//               | descriptor windows, 12 MB    |  128 KB: 16 pages of GDT, 16 of LDT, of 96 vCPUs
//   0xFFC0_0000 +------------------------------+
//               | unmapped, 4 MB               |
//               +------------------------------+
#pragma once
#include <cstdint>

namespace hv {
inline constexpr std::uint32_t hypervisor_virt_start = 0xf580'0000;
inline constexpr std::uint32_t guest_m2p_start = hypervisor_virt_start;
inline constexpr std::uint32_t m2p_bytes = 4u << 20;
inline constexpr std::uint32_t hole_start = 0xfc00'0000;
inline constexpr std::uint32_t guest_segment_limit = hole_start - 1;  // the last byte that a guest's segment may reach
inline constexpr std::uint32_t m2p_start = 0xfc00'0000;
inline constexpr std::uint32_t frame_table_start = 0xfc40'0000;
inline constexpr std::uint32_t mapping_start = 0xfdc0'0000;
inline constexpr std::uint32_t image_start = 0xfe00'0000;
inline constexpr std::uint32_t image_machine_start = 0x0010'0000;
inline constexpr std::uint32_t image_bytes = 16u << 20;
inline constexpr std::uint32_t descriptor_window_start = 0xff00'0000;
inline constexpr std::uint32_t descriptor_window_bytes = 12u << 20;
inline constexpr std::uint32_t descriptor_window_per_vcpu = 128u << 10;
inline constexpr unsigned max_windows = descriptor_window_bytes / descriptor_window_per_vcpu;
inline constexpr std::uint64_t max_machine_bytes = 4ull << 30;
}  // namespace hv
