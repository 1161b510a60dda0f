// SPDX-License-Identifier: MIT
// Physical frames: a buddy allocator, and a reference count for each frame (copy-on-write, page cache, shared memory).
#pragma once
#include <arch/mmu.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
void frames_init(std::uint32_t nr_frames, Pfn first_free);
// 2^order contiguous frames, each with one reference. Reclaims clean page-cache pages before it gives up (Error::nomem).
Result<Pfn> allocate_frames(unsigned order);
Result<Pfn> allocate_zeroed_frame();
inline Result<Pfn> allocate_frame() { return allocate_frames(0); }
void free_frames(Pfn, unsigned order);      // precondition: one reference each
void ref_frame(Pfn);
void unref_frame(Pfn);                      // the last reference frees it
std::uint32_t frame_refs(Pfn);
inline void *frame_address(Pfn f) { return arch::frame_ptr(f); }
Pfn frame_of_address(void const *);         // precondition: in the linear map
struct FrameCounts { std::uint32_t total, free, cached, anonymous, tables, heap; };
FrameCounts frame_counts();                 // /proc/meminfo, sysinfo(2)
}    // namespace kernel
