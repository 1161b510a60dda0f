// SPDX-License-Identifier: MIT
// Frames without machine memory behind them: what the balloon driver has given back, and the places where other domains' granted
// frames are mapped. Such a frame is out of the kernel's allocator (kernel::withdraw_frames), its entry in the linear map is empty,
// and its entry in the list of machine frames says so.
//
//   allocator --hollow_out()--> hollow --fill()--> allocator
//                                 ^  `-- grant mapped there --'  (foreign.cpp)
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <span>

namespace pv {
// Gives the machine memory of these frames back to the hypervisor. Each was allocated by the caller (one reference, FrameUse::kernel)
// and belongs to hollow.cpp afterwards. Error::io: the hypervisor refused; those from the first refused one on are as before.
Result<unsigned> hollow_out(std::span<Pfn const>);
// Gets memory for hollow frames and gives them to the allocator. Fewer than asked: the hypervisor has no more for us.
unsigned fill(std::span<Pfn const>);

// Places for granted frames. They come from a pool, which takes frames of the balloon's first and allocates else; the pool keeps
// some for the next time.
Result<> take_places(std::span<Pfn>);              // anywhere. Error::nomem: none taken
Result<Pfn> take_places_in_a_row(unsigned order);  // 2^order from the result on
void give_places(std::span<Pfn const>);            // empty again; of either kind
std::uint32_t place_count();                       // in use and in the pool

// The balloon's frames, a stack: pages the domain could have and has not.
void push_hollow(Pfn);
Pfn pop_hollow();  // no_pfn: none
std::uint32_t hollow_count();

// What the domain has of the machine, in pages: at the start, and now. The balloon driver's target, for /proc/xen/balloon.
std::uint32_t initial_pages();
std::uint32_t current_pages();
void set_balloon_target(std::uint32_t pages);
std::uint32_t balloon_target();  // initial_pages() if nobody gave one
}  // namespace pv
