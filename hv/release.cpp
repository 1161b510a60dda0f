// SPDX-License-Identifier: MIT
// The end of a domain's memory, in two walks over its frames:
//
//   1. roots, pins and half-made tables go: with them the last type references, and tables give back what their entries hold;
//   2. each frame's allocation is dropped. It is free then, or another domain maps it: such a frame is nobody's until that one lets go.
//
// No frame becomes a table between the two: nobody may name a dying domain's frames (named_domain), and its vCPUs do not run.
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>

namespace hv {
namespace {

constexpr unsigned frames_per_look = 32;  // of those with nothing to do

Result<> release_roots(Domain &d)
{
    for (unsigned i = 0; i < d.vcpu_count; ++i)
        if (d.vcpus[i])
            TRY(release_root(*d.vcpus[i]));
    return {};
}

bool is_taken_apart(Frame const &f) { return !f.is(Frame::pinned) && !(f.is(Frame::partial) && f.type_count() == 0); }

Result<> take_apart(Frame &f, Domain &d)
{
    if (f.is(Frame::pinned))
        TRY(unpin_frame(mfn_of(f), &d));
    return abandon(f);
}

void move_on(Domain &d)
{
    Frame &f = *d.taken_apart;
    d.taken_apart = f.next == ~0u ? nullptr : &frame_table[f.next];
    if (d.taken_apart)
        ++d.taken_apart->count;  // giving up one frame may free others, but not the one we go to
    put_frame(f);
}

// Looks whether to stop only after work, so that each call gets further than the last.
Result<> release_tables(Domain &d)
{
    if (!d.taken_apart && d.frames) {
        d.taken_apart = d.frames;
        ++d.taken_apart->count;
    }
    for (unsigned seen = 0; d.taken_apart; ++seen) {
        bool done = is_taken_apart(*d.taken_apart);
        if (!done)
            TRY(take_apart(*d.taken_apart, d));
        move_on(d);
        if ((!done || seen % frames_per_look == 0) && preempt_requested())
            return Error::again;
    }
    d.tables_released = true;
    return {};
}

Result<> release_frames(Domain &d)
{
    while (Frame *f = d.frames) {
        ++f->count;
        if (f->count & Frame::allocated)
            static_cast<void>(release_frame(mfn_of(*f), d));
        if ((f->count & Frame::count_mask) > 1)
            orphan_frame(*f, d);
        put_frame(*f);
        if (preempt_requested())
            return Error::again;
    }
    return {};
}

}  // namespace

Result<> release_root(Vcpu &v)
{
    TRY(finish_unfinished(v));
    if (v.cr3 == no_mfn)
        return {};
    if (loaded_root() == v.cr3)
        load_idle_root();
    put_table_later(v, frame_of(v.cr3));
    v.cr3 = no_mfn;
    return finish_unfinished(v);
}

Result<> release_domain_memory(Domain &d)
{
    TRY(release_roots(d));
    if (!d.tables_released)
        TRY(release_tables(d));
    return release_frames(d);
}

}  // namespace hv
