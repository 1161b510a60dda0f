// SPDX-License-Identifier: MIT
// Numbers of mmap(2) and its relatives, as Linux i386 has them. Source: Linux uapi asm-generic/mman{,-common}.h, linux/mman.h.
#pragma once
#include <cstdint>

namespace kernel {
enum Prot : std::uint32_t {
    page_read = 1,
    page_write = 2,
    page_exec = 4,
    prot_growsdown = 0x0100'0000,
    prot_growsup = 0x0200'0000,
};
inline constexpr std::uint32_t prot_mask = page_read | page_write | page_exec;

enum MapFlag : std::uint32_t {
    map_shared = 1,
    map_private = 2,
    map_shared_validate = 3,
    map_type = 0xf,
    map_fixed = 0x10,
    map_anonymous = 0x20,
    map_growsdown = 0x100,
    map_denywrite = 0x800,
    map_locked = 0x2000,
    map_noreserve = 0x4000,
    map_populate = 0x8000,
    map_nonblock = 0x1'0000,
    map_stack = 0x2'0000,
    map_hugetlb = 0x4'0000,
    map_fixed_noreplace = 0x10'0000,
};

enum RemapFlag : std::uint32_t { mremap_maymove = 1, mremap_fixed = 2, mremap_dontunmap = 4 };
enum SyncFlag : int { ms_async = 1, ms_invalidate = 2, ms_sync = 4 };

enum Advice : int {
    madv_normal = 0,
    madv_random = 1,
    madv_sequential = 2,
    madv_willneed = 3,
    madv_dontneed = 4,
    madv_free = 8,
    madv_remove = 9,
    madv_dontfork = 10,
    madv_dofork = 11,
    madv_dontdump = 16,
    madv_dodump = 17,
    madv_wipeonfork = 18,
    madv_keeponfork = 19,
    madv_cold = 20,
    madv_pageout = 21,
    madv_populate_read = 22,
    madv_populate_write = 23,
};

enum Limit : unsigned { rlimit_data = 2, rlimit_stack = 3, rlimit_memlock = 8, rlimit_as = 9 };

inline constexpr std::uint32_t mmap_minimum = 0x1'0000;  // /proc/sys/vm/mmap_min_addr
}  // namespace kernel
