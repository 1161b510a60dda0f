// SPDX-License-Identifier: MIT
// References and owners. Types are validate.cpp's; free blocks are buddy.cpp's.
#include <hv/domain.hpp>
#include <hv/frames.hpp>
#include <hv/heap.hpp>
#include <hv/map.hpp>
#include <hv/tlb.hpp>
#include <lib/panic.hpp>

namespace hv {

Frame *frame_table;
std::uint32_t *m2p_table;
std::uint32_t frame_limit;

namespace {

constexpr std::uint32_t no_link = ~0u;
constexpr std::uint32_t nobody = DOMID_INVALID + 1u;

std::uint32_t total_frames, orphans;

void link(Domain &d, Frame &f)
{
    f.prev = no_link;
    f.next = d.frames ? mfn_of(*d.frames).raw() : no_link;
    if (d.frames)
        d.frames->prev = mfn_of(f).raw();
    d.frames = &f;
}

void unlink(Domain &d, Frame &f)
{
    if (f.prev != no_link)
        frame_table[f.prev].next = f.next;
    else
        d.frames = f.next == no_link ? nullptr : &frame_table[f.next];
    if (f.next != no_link)
        frame_table[f.next].prev = f.prev;
}

// An owner is set before the first reference exists, and taken away after the last is gone.
void give_to(Domain &d, Frame &f)
{
    f.owner = owner_id(d);
    f.type_info = 0;
    f.progress = flush_clock - 1;
    link(d, f);
    f.count = Frame::allocated | 1;
}

// What another domain mapped of it may still be in the TLB, and the hypervisor itself is the next user.
void free_heap_frame(Frame &f)
{
    f.owner = frame_is_hypervisor;
    flush_tlb();
    free_pages(heap_address(mfn_of(f)), 0);
}

// What the frame was before, in the TLB and in memory, must be gone.
void prepare(Mfn mfn, bool scrub)
{
    Frame &f = frame_of(mfn);
    if (f.progress == flush_clock)
        flush_tlb();
    if (scrub && (f.owner & frame_is_dirty))
        clear_frame(Mapped<>{mfn}.get());
}

Result<Mfn> allocate(Domain &d, unsigned order, bool scrub)
{
    if (order > max_frame_order)
        return Error::inval;
    std::uint32_t n = 1u << order;
    LockGuard guard{d.page_lock};
    if (d.dying || n > d.max_pages || d.total_pages > d.max_pages - n)
        return Error::nomem;
    Mfn first = TRY(take_block(order));
    for (std::uint32_t i = 0; i < n; ++i) {
        prepare(first + i, scrub);
        give_to(d, frame_of(first + i));
    }
    d.total_pages += n;
    return first;
}

}  // namespace

void frames_init(Frame *table, std::uint32_t *m2p, std::uint32_t limit)
{
    frame_table = table;
    m2p_table = m2p;
    frame_limit = limit;
    total_frames = orphans = 0;
    for (std::uint32_t i = 0; i < limit; ++i) {
        table[i] = {};
        table[i].owner = frame_is_io;
        m2p[i] = no_m2p;
    }
}

void reserve_hypervisor_frames(Mfn first, std::uint32_t count)
{
    for (std::uint32_t i = 0; i < count; ++i)
        frame_of(first + i).owner = frame_is_hypervisor;
}

void add_free_frames(Mfn first, std::uint32_t count)
{
    total_frames += count;
    for (std::uint32_t i = 0; i < count; ++i) {
        Frame &f = frame_of(first + i);
        f.owner = frame_is_dirty;
        f.progress = flush_clock;
        give_frame(f);
    }
}

void adopt_frames(Domain &d, Mfn first, std::uint32_t count)
{
    LockGuard guard{d.page_lock};
    for (std::uint32_t i = 0; i < count; ++i)
        give_to(d, frame_of(first + i));
    d.total_pages += count;
    total_frames += count;
}

std::uint32_t total_frame_count() { return total_frames; }
std::uint32_t orphan_frame_count() { return orphans; }

void free_unreferenced(Frame &f)
{
    ASSERT(f.type_count() == 0);
    Domain *d = find_domain(static_cast<DomainId>((f.owner & frame_owner_mask) - 1));  // none: it is dead
    set_m2p(mfn_of(f), no_m2p);
    f.progress = flush_clock;
    f.count = 0;
    if ((f.owner & frame_owner_mask) == nobody)
        --orphans;
    if (f.owner & frame_is_heap)
        return free_heap_frame(f);
    if (d) {
        LockGuard guard{d->page_lock};
        unlink(*d, f);
        --d->total_pages;
    }
    f.owner = frame_is_dirty;
    give_frame(f);
}

Result<Mfn> allocate_domain_frames(Domain &d, unsigned order) { return allocate(d, order, true); }

Result<Mfn> allocate_unscrubbed_frames(Domain &d, unsigned order) { return allocate(d, order, false); }

Result<> release_frame(Mfn mfn, Domain &d)
{
    Frame &f = *TRY(get_frame(mfn, &d));
    bool given_up = !(f.count & Frame::allocated) || (f.owner & frame_is_special);
    if (!given_up) {
        f.count &= ~Frame::allocated;
        put_frame(f);
    }
    put_frame(f);
    if (given_up)
        return Error::inval;
    return {};
}

void orphan_frame(Frame &f, Domain &d)
{
    LockGuard guard{d.page_lock};
    unlink(d, f);
    f.owner = nobody;
    ++orphans;
    --d.total_pages;
}

namespace {

// A type reference for ever: it never becomes a table, and nobody maps it writable unless that is its type.
void share(Domain &d, Frame &f, std::uint32_t kind, bool writable)
{
    f.owner = owner_id(d) | kind;
    auto type = static_cast<std::uint32_t>(writable ? FrameType::writable : FrameType::none);
    f.type_info = type << Frame::type_shift | Frame::validated | 1;
    f.count = Frame::allocated | 1;
    ++d.special_pages;
}

}  // namespace

void share_frame(Domain &d, void *heap_page, bool writable)
{
    Frame &f = frame_of(heap_mfn(heap_page));
    ASSERT(f.owner == frame_is_hypervisor && f.count == 0);
    share(d, f, frame_is_heap, writable);
}

Result<Mfn> allocate_shared_frame(Domain &d)
{
    Mfn mfn = TRY(take_block(0));
    prepare(mfn, true);
    share(d, frame_of(mfn), frame_is_shared, true);
    return mfn;
}

void unshare_frame(Frame &f)
{
    ASSERT((f.owner & frame_is_special) && (f.count & Frame::allocated));
    if (Domain *d = find_domain(static_cast<DomainId>((f.owner & frame_owner_mask) - 1)))
        --d->special_pages;
    f.owner = nobody | (f.owner & frame_is_special);
    ++orphans;
    static_cast<void>(put_type(f));  // not a table
    f.count &= ~Frame::allocated;
    put_frame(f);
}

}  // namespace hv
