// SPDX-License-Identifier: MIT
// Dirty pages: how many there may be, and the thread that writes them when they are old or too many.
//
//   0 ........... background .............. limit ......................... all memory
//      written when       written at once,      who writes waits until
//      old (5 s), or      oldest file first     there are fewer
//      memory is short
//
// The limit is a fifth of memory, or half of what is free and in pages of files if that is less (64 pages at least); background is half
// of it. It is looked at after each page that is written to, so that each thread which writes may add one page to it. So most of what
// holds files can always be given up without writing. What write-back itself needs it takes from the last frames (FrameMarks) and from
// each device's pool of transfers: it never waits for memory that only it could free. docs/decisions/015-memory-pressure.md
#pragma once
#include <cstdint>
#include <kernel/memory/page_cache.hpp>

namespace kernel {
struct WriteBackCounts {
    std::uint32_t dirty, writing, limit, background;  // pages
};
WriteBackCounts write_back_counts();
bool dirty_limit_exceeded();
void throttle_writer();  // waits until there are fewer dirty pages; a fatal signal ends the wait
void start_write_back_threads();
void write_back_soon();  // wakes the thread
// Memory is short: true if there are so many frames for programs now, or waiting brought some. Only for threads that hold nothing
// write-back needs. False: there is nothing to wait for (or the running thread is being killed).
bool wait_for_memory(std::uint32_t wanted = 1);
// Calls f() again while it fails for want of memory and waiting brings some: a shortage that passes is not the program's business. f
// leaves nothing behind when it fails.
template <class F>
auto patiently(F f)
{
    constexpr std::uint32_t first = 64, most = 4096;  // frames to wait for
    for (auto frames = first;; frames *= 2) {
        auto result = f();
        if (result.ok() || result.error() != Error::nomem || frames > most || !wait_for_memory(frames))
            return result;
    }
}
// wait_for_memory() was in vain: ends the process that has most memory of its own. False: that is the running one, or the running
// thread is being killed already; true: another one's memory is about to be free, try again. out_of_memory.cpp
bool make_room_by_killing();
// The running thread is one that write-back waits for (a loop device's, a back end's): it may use the reserve and is not throttled.
bool serves_write_back();
// For a time: what this thread does now, others' write-back waits for.
class WriteBackScope {
public:
    WriteBackScope();
    ~WriteBackScope();
    WriteBackScope(WriteBackScope const &) = delete;
    WriteBackScope &operator=(WriteBackScope const &) = delete;

private:
    bool before_;
};

// The page cache's own.
void count_dirty(PageCache &, bool first);
void count_clean(PageCache &, bool last);
void count_writing(int change);  // callable from interrupt handlers
}  // namespace kernel
