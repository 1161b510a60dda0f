// SPDX-License-Identifier: MIT
// The frame table: who owns each machine frame, what it is used as, and how often.
//
// THE INVARIANT of the page-type discipline: at any time a frame has at most one type, and while the type count is not 0
// the type does not change. A frame of type l1, l2, l3 or descriptor has no writable mapping anywhere; a writable
// mapping holds a type reference of `writable`. Every mapping and every table entry holds a general reference, so a frame
// is not freed or given to another domain while anything can reach it.
//
//   count      general references; 0: on the free list
//   type_info  | type 4 | validated 1 | partial 1 | pinned 1 | ... | type count 24 |
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace hv {
struct Domain;

enum class FrameType : std::uint8_t { none = 0, l1 = 1, l2 = 2, l3 = 3, descriptor = 4, writable = 5 };

struct Frame {
    std::uint32_t count;        // references; the top bit: `allocated` (taken back when the owner gives the frame up)
    std::uint32_t type_info;
    std::uint32_t owner;        // low half: DomainId + 1, 0: none; high half: flags (hypervisor heap, order when free)
    std::uint32_t next, prev;   // Mfn links: the owner's list, or the free list
    std::uint32_t progress;     // a (de)validation that was interrupted: the next entry to do
};
static_assert(sizeof(Frame) == 24);

bool valid(Mfn);                            // is there a Frame for it?
Frame &frame_of(Mfn);                       // precondition: valid(mfn)
Mfn mfn_of(Frame const &);

// A general reference on a frame that `d` owns. Fails (Error::inval) for any frame that is not d's: unallocated,
// the hypervisor's own, another domain's, out of range, or with a saturated count.
Result<Frame *> get_frame(Mfn, Domain *d);
void put_frame(Frame &);                    // the last put frees it

// A type reference besides a general one, validating the frame as that type if it is not yet.
// Error::busy: it is in use as another type; Error::inval: its contents do not validate;
// Error::again (restart): preempted half-way; progress is kept in the frame.
Result<Frame *> get_frame_and_type(Mfn, Domain *, FrameType);
Result<> get_type(Frame &, FrameType);
Result<> put_type(Frame &);                 // Error::again: preempted, call again
Result<> put_frame_and_type(Frame &);

// Domain memory: buddy allocator over all frames that are not the hypervisor's. Scrubbed before they are handed out.
Result<Mfn> allocate_domain_frames(Domain &, unsigned order);
std::uint32_t free_frame_count();
std::uint32_t total_frame_count();

// machine_to_physical[mfn] as guests read it.
void set_m2p(Mfn, std::uint32_t pfn);
std::uint32_t get_m2p(Mfn);
}    // namespace hv
