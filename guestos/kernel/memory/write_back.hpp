// SPDX-License-Identifier: MIT
// Dirty pages: how many there may be, and the thread that writes them when they are old or too many.
//
//   0 ........... background .............. limit ......................... all memory
//      written when       written at once,      who writes waits until
//      old (5 s)          oldest file first     there are fewer
//
// So most of memory can always be given up without writing. What write-back itself needs it takes from the kernel's reserve of
// frames and from each device's pool of transfers: it never waits for memory that only it could free.
#pragma once
#include <cstdint>
#include <kernel/memory/page_cache.hpp>

namespace kernel {
struct WriteBackCounts {
    std::uint32_t dirty, writing;  // pages
};
WriteBackCounts write_back_counts();
bool dirty_limit_exceeded();
void throttle_writer();  // waits until there are fewer dirty pages; a fatal signal ends the wait
void start_write_back_threads();
void write_back_soon();  // wakes the thread
// Memory is short: true if waiting brought some. Only for threads that hold nothing write-back needs.
bool wait_for_memory();
// The running thread is one that write-back waits for (a loop device's, a back end's): it may use the reserve and is not throttled.
bool serves_write_back();
// Clean pages that only page tables hold, oldest first, are taken out of these; reclaim_frames() then finds them.
std::uint32_t unmap_old_frames(std::uint32_t wanted);

// The page cache's own.
void count_dirty(PageCache &, bool first);
void count_clean(PageCache &, bool last);
void count_writing(int change);  // callable from interrupt handlers
}  // namespace kernel
