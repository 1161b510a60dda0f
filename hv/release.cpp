// SPDX-License-Identifier: MIT
// The end of a domain's memory. Roots first, then pins: with them the last type references go, tables give back what their entries hold,
// and each frame is free once its allocation's reference is dropped too. What another domain still maps stays until it lets go.
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>

namespace hv {
namespace {

Result<> release_vcpu(Vcpu &v)
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

bool is_released(Frame const &f)
{
    return !f.is(Frame::pinned) && !(f.is(Frame::partial) && f.type_count() == 0) && !(f.count & Frame::allocated);
}

// The caller holds a reference. Looks whether to stop only after work, so that each call gets further than the last.
Result<> release_one(Frame &f, Domain &d)
{
    if (is_released(f))
        return {};
    if (f.is(Frame::pinned))
        TRY(unpin_frame(mfn_of(f), &d));
    TRY(abandon(f));
    if (f.count & Frame::allocated)
        TRY(release_frame(mfn_of(f), d));
    return preempt_requested() ? Result<>{Error::again} : Result<>{};
}

Frame *hold_next(Frame const &f)
{
    if (f.next == ~0u)
        return nullptr;
    Frame &next = frame_table[f.next];
    ++next.count;  // giving up one frame may free others, but not the one we go to
    return &next;
}

}  // namespace

Result<> release_domain_memory(Domain &d)
{
    for (unsigned i = 0; i < d.vcpu_count; ++i)
        if (d.vcpus[i])
            TRY(release_vcpu(*d.vcpus[i]));
    Frame *f = d.frames;
    if (f)
        ++f->count;
    while (f) {
        Result<> r = release_one(*f, d);
        Frame *next = r.ok() ? hold_next(*f) : nullptr;
        put_frame(*f);
        if (!r.ok())
            return r;
        f = next;
    }
    orphan_frames(d);
    return {};
}

}  // namespace hv
