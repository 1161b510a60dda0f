// SPDX-License-Identifier: MIT
// Giving memory back in a shortage: page-cache pages that their file system can read again. Only clean ones go, and first those that
// nobody has mapped.
//
//   inserted --> unmapped list                                mapped list
//                newest ...... oldest                         newest ...... oldest
//                  ^             |                              ^              |
//                  |  dirty, or  |  mapped: over there -------->|  used since  | unused: taken out of all page tables,
//                  '- used again-'                              '- last look --' to the old end of the unmapped list
//                                |  else: dropped                   or locked
//
// Which list a page is on is decided when it is looked at, not when it is mapped.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>

namespace kernel {
// Frees about `wanted` frames that nobody has mapped, least recently used first; the number freed. Does not block and allocates
// nothing, and leaves page tables alone: whoever allocates may be looking at an entry.
std::uint32_t reclaim_frames(std::uint32_t wanted);
// The same, and takes pages out of page tables for it: first what was not used since the last pass, then what was, but of that the
// last few go never: a machine that reads its programs from the disk for every few instructions is worse than one that ends a
// program. For a thread of its own.
std::uint32_t reclaim_pass(std::uint32_t wanted);
// Pages looked at and frames freed, since the machine started: where memory was allocated, and by passes. /proc/vmstat
struct ReclaimCounts {
    std::uint32_t passes, looked_at_directly, freed_directly, looked_at_by_passes, freed_by_passes;
};
ReclaimCounts reclaim_counts();
std::uint32_t reclaimable_frame_count();  // pages of disk files, dirty ones and mapped ones too

// The page cache's own.
struct PageReclaim {
    static void added(Pfn);
    static void removed(Pfn);
    // A tree that is being changed must not lose nodes to a reclaim that the change itself caused.
    struct Forbidden {
        Forbidden();
        ~Forbidden();
    };

private:
    friend std::uint32_t reclaim_frames(std::uint32_t);
    friend std::uint32_t reclaim_pass(std::uint32_t);
    static std::uint32_t take_unmapped(std::uint32_t wanted);
    static std::uint32_t take_left_behind(std::uint32_t wanted);
    static std::uint32_t unmap(std::uint32_t wanted, bool used_too);
    static bool unmap_one(Pfn, bool used_too);
    static void to_mapped(Pfn);
    static void to_unmapped(Pfn, bool oldest);
};
}  // namespace kernel
