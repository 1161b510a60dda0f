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
#include <hv/domain.hpp>
#include <lib/addr.hpp>
#include <lib/panic.hpp>
#include <lib/result.hpp>

namespace hv {

enum class FrameType : std::uint8_t {
    none = 0,
    l1 = 1,
    l2 = 2,
    l3 = 3,
    descriptor = 4,
    writable = 5,
    l2_top = 6,  // the L2 behind slot 3: its entries from 0xF5800000 up are the hypervisor's. Never behind another slot
};

struct Frame {
    std::uint32_t count;  // references; the top bit: `allocated` (taken back when the owner gives the frame up)
    std::uint32_t type_info;
    std::uint32_t owner;       // low half: DomainId + 1, 0: none; high half: flags (hypervisor heap, order when free)
    std::uint32_t next, prev;  // Mfn links: the owner's list, or the free list
    std::uint32_t progress;    // partial: how many entries hold references; otherwise: the stamp

    static constexpr std::uint32_t allocated = 1u << 31, count_mask = allocated - 1;
    static constexpr std::uint32_t type_shift = 28, validated = 1u << 27, partial = 1u << 26, pinned = 1u << 25,
                                   rejected = 1u << 24, type_count_mask = rejected - 1;
    FrameType type() const { return static_cast<FrameType>(type_info >> type_shift); }
    std::uint32_t type_count() const { return type_info & type_count_mask; }
    bool is(std::uint32_t flag) const { return (type_info & flag) != 0; }
};
static_assert(sizeof(Frame) == 24);

// Frame::owner above the low half.
enum FrameFlag : std::uint32_t {
    frame_is_heap = 1u << 16,        // a page of the hypervisor's heap (shared with the owner, if there is one)
    frame_is_io = 1u << 17,          // not RAM for anybody: a device, firmware, a hole
    frame_is_free = 1u << 18,        // head of a free block of 2^(owner >> 24) frames
    frame_is_dirty = 1u << 19,       // free, and holds somebody's data
    frame_is_hypervisor = 1u << 20,  // image, heap, tables: never anybody else's
    frame_is_shared = 1u << 21,      // the hypervisor's and its owner's: on no list, in no count but special_pages
    frame_is_special = frame_is_heap | frame_is_shared,
};

extern Frame *frame_table;         // frame_limit entries
extern std::uint32_t *m2p_table;   // the writable view
extern std::uint32_t frame_limit;  // one above the last frame of RAM

inline bool valid(Mfn mfn) { return mfn.raw() < frame_limit; }      // is there a Frame for it?
inline Frame &frame_of(Mfn mfn) { return frame_table[mfn.raw()]; }  // precondition: valid(mfn)
inline Mfn mfn_of(Frame const &frame) { return Mfn{static_cast<std::uint32_t>(&frame - frame_table)}; }
inline bool is_io(Mfn mfn) { return !valid(mfn) || (frame_of(mfn).owner & frame_is_io); }

// Boot: everything starts as I/O; then RAM is given out, by ranges that do not overlap.
void frames_init(Frame *table, std::uint32_t *m2p, std::uint32_t limit);
void reserve_hypervisor_frames(Mfn first, std::uint32_t count);
void add_free_frames(Mfn first, std::uint32_t count);
void adopt_frames(Domain &, Mfn first, std::uint32_t count);  // RAM that is on no list becomes the domain's, as it is

// A general reference on a frame that `d` owns. Fails (Error::inval) for any frame that is not d's: unallocated,
// the hypervisor's own, another domain's, out of range, or with a saturated count.
inline Result<Frame *> get_frame(Mfn, Domain *d);
inline void put_frame(Frame &);  // the last put frees it

// A type reference besides a general one, validating the frame as that type if it is not yet.
// Error::busy: it is in use as another type; Error::inval: its contents do not validate;
// Error::again (restart): preempted half-way; progress is kept in the frame.
Result<Frame *> get_frame_and_type(Mfn, Domain *, FrameType);
inline Result<> get_type(Frame &, FrameType);
inline Result<> put_type(Frame &);  // Error::again: preempted, call again
Result<> put_frame_and_type(Frame &);

// Frames that the hypervisor shares with a domain, and that it may map: a page of the heap (shared_info) or one of the free ones (grant
// frames). They count in special_pages until unshare_frame; then they are nobody's, and go back with the last reference.
void share_frame(Domain &, void *heap_page, bool writable);
Result<Mfn> allocate_shared_frame(Domain &);  // writable
void unshare_frame(Frame &);

// A pin is a type reference that the guest holds by name. Error::inval: it has (or has not) one already.
Result<> pin_frame(Mfn, Domain *, FrameType);
Result<> unpin_frame(Mfn, Domain *);

// Domain memory: buddy allocator over all frames that are not the hypervisor's. Scrubbed before they are handed out.
Result<Mfn> allocate_domain_frames(Domain &, unsigned order);
std::uint32_t free_frame_count();
std::uint32_t total_frame_count();   // all RAM but the hypervisor's
std::uint32_t orphan_frame_count();  // of dead domains, and still mapped by others

// What allocate_domain_frames leaves out: the builder, which knows that nobody else has used the memory yet.
Result<Mfn> allocate_unscrubbed_frames(Domain &, unsigned order);
inline constexpr unsigned max_frame_order = 12;
// Takes back the reference that came with the allocation. Error::inval: it is not the domain's, or was given up already.
Result<> release_frame(Mfn, Domain &);

// The domain dies: a frame that others still map belongs to nobody, and becomes free with their last reference.
void orphan_frame(Frame &, Domain &);

// machine_to_physical[mfn] as guests read it.
inline constexpr std::uint32_t no_m2p = ~0u;
inline void set_m2p(Mfn mfn, std::uint32_t pfn) { m2p_table[mfn.raw()] = pfn; }  // precondition: valid(mfn)
inline std::uint32_t get_m2p(Mfn mfn) { return valid(mfn) ? m2p_table[mfn.raw()] : no_m2p; }

// clear_frame.cpp: clears a page. Precondition: it is aligned, and interrupts are off.
void clear_frame(void *page);

// buddy.cpp, for frames.cpp: free blocks. take_block does not clear what the frames hold.
Result<Mfn> take_block(unsigned order);
void give_frame(Frame &);

// --- the common cases of counting, which every page-table entry goes through ---

void free_unreferenced(Frame &);                   // frames.cpp: its last reference is gone
Result<> get_type_validating(Frame &, FrameType);  // validate.cpp: the type is new to the frame, or it is not validated
Result<> put_last_type(Frame &);                   // validate.cpp: nobody else has a reference of the type
inline constexpr std::uint32_t frame_owner_mask = 0xffff;
constexpr std::uint32_t owner_id(Domain const &d) { return d.id + 1u; }  // in Frame::owner

inline Result<Frame *> get_frame(Mfn mfn, Domain *d)
{
    if (!valid(mfn))
        return Error::inval;
    Frame &f = frame_of(mfn);
    std::uint32_t references = f.count & Frame::count_mask;
    bool owned = (f.owner & frame_owner_mask) == owner_id(*d);
    if (references == 0 || !owned || references == Frame::count_mask)
        return Error::inval;
    ++f.count;
    return &f;
}

inline void put_frame(Frame &f)
{
    ASSERT((f.count & Frame::count_mask) != 0);
    if (--f.count == 0)
        free_unreferenced(f);
}

inline Result<> get_type(Frame &f, FrameType t)
{
    std::uint32_t count = f.type_count();
    if (count == 0 || f.type() != t || count == Frame::type_count_mask || !f.is(Frame::validated))
        return get_type_validating(f, t);
    ++f.type_info;
    return {};
}

inline Result<> put_type(Frame &f)
{
    ASSERT(f.type_count() != 0);
    if (f.type_count() == 1)
        return put_last_type(f);
    --f.type_info;
    return {};
}
}  // namespace hv
