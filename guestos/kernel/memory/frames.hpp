// SPDX-License-Identifier: MIT
// Physical frames: a buddy allocator, and a reference count for each frame (copy-on-write, page cache, shared memory).
//
//   Pfn 0            first_free                                                nr_frames
//    | kernel, initrd | frame table | free blocks of 2^order frames, order 0 .. 10 |
//
// Every frame has a FrameInfo in the frame table: who uses it, how often it is referred to, and links that belong to whoever
// uses it (free list, slab list, page cache).
#pragma once
#include <arch/mmu.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
inline constexpr unsigned max_order = 10;

void frames_init(std::uint32_t nr_frames, Pfn first_free);
// Gives frames below first_free to the allocator: the initrd once it is unpacked.
void release_boot_frames(Pfn first, std::uint32_t count);
// Takes an allocated frame (one reference) out of the memory that the kernel has: what it held may be gone, it is counted nowhere.
// return_frame() gives it to the allocator again.
void withdraw_frame(Pfn);
void return_frame(Pfn);
// 2^order contiguous frames, each with one reference. Reclaims clean page-cache pages before it gives up (Error::nomem).
Result<Pfn> allocate_frames(unsigned order);
Result<Pfn> allocate_zeroed_frame();
inline Result<Pfn> allocate_frame() { return allocate_frames(0); }
// For a program's data: leaves the last frames to the kernel (FrameMarks).
Result<Pfn> allocate_user_frame(bool zeroed);
void free_frames(Pfn, unsigned order);  // precondition: one reference each
void ref_frame(Pfn);
void unref_frame(Pfn);  // the last reference frees it
std::uint32_t frame_refs(Pfn);
inline void *frame_address(Pfn f) { return arch::frame_ptr(f); }
Pfn frame_of_address(void const *);  // precondition: in the linear map
struct FrameCounts {
    std::uint32_t total, free, cached, anonymous, tables, heap;
};
FrameCounts frame_counts();  // /proc/meminfo, sysinfo(2)

// Numbers of free frames at which something changes.
//
//   0 ...... last ............ reserve ......... low ......... high ......
//     for write-back only   for the kernel     reclaim begins   and ends
struct FrameMarks {
    std::uint32_t last, reserve, low, high;
};
FrameMarks frame_marks();
// Whether a program may have one more frame without touching the kernel's.
bool frames_for_programs(std::uint32_t wanted = 1);
// What the layers above do about it, once they can; both may be called wherever frames are allocated, and block not.
struct MemoryPolicy {
    void (*low)();           // free frames are fewer than FrameMarks::low
    bool (*may_use_last)();  // the running thread is one that write-back waits for
};
void set_memory_policy(MemoryPolicy const &);

// What a frame serves as, for FrameCounts and for whoever finds one by its address. Frames start as `kernel`.
enum class FrameUse : std::uint8_t { reserved, free, kernel, anonymous, cache, table, slab, large };
void set_frame_use(Pfn, FrameUse);
FrameUse frame_use(Pfn);

struct FrameInfo {
    std::uint32_t refs;
    Pfn next, prev;       // no_pfn at the ends
    void *owner;          // slab: the cache; page cache: the PageCache
    std::uint32_t index;  // slab: first free object; page cache: page number
    FrameUse use;
    std::uint8_t order;   // of a free or `large` block, in its first frame
    std::uint16_t flags;  // page cache: dirty, referenced; slab: objects in use
};
static_assert(sizeof(FrameInfo) == 24);
FrameInfo &frame_info(Pfn);

// A list of frames through FrameInfo::next and prev.
class FrameList {
public:
    bool empty() const { return head_ == no_pfn; }
    Pfn front() const { return head_; }
    Pfn back() const { return tail_; }
    void push_front(Pfn);
    void push_back(Pfn);
    void remove(Pfn);

private:
    Pfn head_ = no_pfn, tail_ = no_pfn;
};
}  // namespace kernel
