// SPDX-License-Identifier: MIT
// The frame table: who owns each machine frame, what it is used as, and how often.
//
// THE INVARIANT of the page-type discipline: at any time a frame has at most one type, and while the type count is not 0
// the type does not change. A frame of type l1, l2, l3 or descriptor has no writable mapping anywhere; a writable
// mapping holds a type reference of `writable`. Every mapping and every table entry holds a general reference, so a frame
// is not freed or given to another domain while anything can reach it.
//
//   count      general references; 0: on the free list
//   type_info  | type 4 | validated 1 | partial 1 | pinned 1 | rejected 1 | type count 24 |
//
// A table that is being validated or taken apart and was interrupted is `partial`: exactly its entries [0, progress) hold
// references. Validation goes up from there and taking apart goes down, so either may go on where the other stopped. A partial
// frame without type references holds one general reference on itself.
//
// THE TLB RULE. The processor may use a translation until it is flushed, whatever the tables say. So a frame's `stamp` is
// the flush clock at the moment when its last type reference or its last general reference went, and before it
// gets another type or another owner the TLB is flushed if the clock still shows that number (tlb.hpp).
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace hv {
struct Domain;

enum class FrameType : std::uint8_t {
    none = 0,
    l1 = 1,
    l2 = 2,
    l3 = 3,
    descriptor = 4,
    writable = 5,
    l2_top = 6,    // the L2 behind slot 3: its entries from 0xF5800000 up are the hypervisor's. Never behind another slot
};

struct Frame {
    std::uint32_t count;        // references; the top bit: `allocated` (taken back when the owner gives the frame up)
    std::uint32_t type_info;
    std::uint32_t owner;        // low half: DomainId + 1, 0: none; high half: flags (hypervisor heap, order when free)
    std::uint32_t next, prev;   // Mfn links: the owner's list, or the free list
    std::uint32_t progress;     // partial: how many entries hold references; otherwise: the stamp

    static constexpr std::uint32_t allocated = 1u << 31, count_mask = allocated - 1;
    static constexpr std::uint32_t type_shift = 28, validated = 1u << 27, partial = 1u << 26, pinned = 1u << 25,
                                   rejected = 1u << 24, type_count_mask = rejected - 1;
    FrameType type() const { return static_cast<FrameType>(type_info >> type_shift); }
    std::uint32_t type_count() const { return type_info & type_count_mask; }
    bool is(std::uint32_t flag) const { return (type_info & flag) != 0; }
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

// Pages of the hypervisor's heap that a domain may map: shared_info, grant frames. They count in special_pages and go back to
// the heap with the last reference after unshare_frame.
void share_frame(Domain &, void *heap_page, bool writable);
void unshare_frame(void *heap_page);

// A pin is a type reference that the guest holds by name. Error::inval: it has (or has not) one already.
Result<> pin_frame(Mfn, Domain *, FrameType);
Result<> unpin_frame(Mfn, Domain *);

// Domain memory: buddy allocator over all frames that are not the hypervisor's. Scrubbed before they are handed out.
Result<Mfn> allocate_domain_frames(Domain &, unsigned order);
std::uint32_t free_frame_count();
std::uint32_t total_frame_count();

// machine_to_physical[mfn] as guests read it.
void set_m2p(Mfn, std::uint32_t pfn);
std::uint32_t get_m2p(Mfn);
}    // namespace hv
