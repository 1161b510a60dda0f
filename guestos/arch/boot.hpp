// SPDX-License-Identifier: MIT
// CONTRACT arch -> kernel: what start.S and boot.cpp hand over. The kernel's part of every address space:
//
//   user_limit    +---------------------------+  0xC000_0000
//   = linear_base | all frames, Pfn 0 ...     |  frame f at linear_base + f * page_size
//                 +---------------------------+
//                 | kernel mappings           |  kernel_map_start .. kernel_map_end: arch::PageTables::kernel()
//                 +---------------------------+  below 0xF580_0000
#pragma once
#include <lib/addr.hpp>

namespace arch {
inline constexpr Vaddr user_limit{0xc000'0000};
inline constexpr Vaddr linear_base{0xc000'0000};
inline constexpr Vaddr linear_end{0xf000'0000};  // at most 768 MB of frames are used
inline constexpr Vaddr kernel_map_start{0xf000'0000};
inline constexpr Vaddr kernel_map_end{0xf580'0000};

struct BootInfo {
    std::uint32_t nr_frames;  // the kernel owns Pfn 0 .. nr_frames-1, except
    Pfn first_free;           // below: kernel image, boot page tables, initrd
    Pfn root_table;           // the table we are running on
    Vaddr initrd;             // in the linear map; initrd_bytes 0: none
    std::uint32_t initrd_bytes;
    char const *command_line;
    char const *platform_name;  // "native", "Lodger hypervisor 4.17", "Xen 4.17": for the first log line and /proc
};
}  // namespace arch
