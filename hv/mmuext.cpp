// SPDX-License-Identifier: MIT
// mmuext_op: a batch of the other operations on page tables and the TLB.
#include <algorithm>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/layout.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>

namespace hv {
namespace {

Result<> pin(mmuext_op const &op, Domain *owner)
{
    FrameType type = op.cmd == MMUEXT_PIN_L1_TABLE ? FrameType::l1
        : op.cmd == MMUEXT_PIN_L2_TABLE            ? FrameType::l2
                                                   : FrameType::l3;
    return pin_frame(Mfn{op.arg1.mfn}, owner, type);
}

Result<> flush_many(mmuext_op const &op, bool everything)
{
    std::uint32_t vcpus;  // every vCPU's translations are in this processor: the set only has to be readable
    if (!read_guest(vcpus, op.arg2.nr_ents))
        return Error::inval;
    if (everything)
        flush_tlb();
    else
        flush_tlb_page(op.arg1.linear_addr);
    return {};
}

Result<> clear_page(Mfn mfn, Domain *owner)
{
    Frame &f = *TRY(get_frame_and_type(mfn, owner, FrameType::writable));
    clear_frame(Mapped<>{mfn}.get());
    return put_frame_and_type(f);
}

Result<> copy_page(Mfn to, Mfn from, Domain *owner)
{
    Frame &source = *TRY(get_frame(from, owner));
    auto target = get_frame_and_type(to, owner, FrameType::writable);
    Result<> r = target.ok() ? Result<>{} : Result<>{target.error()};
    if (target.ok()) {
        __builtin_memcpy(Mapped<>{to}.get(), Mapped<>{from}.get(), page_size);
        r = put_frame_and_type(*target.value());
    }
    put_frame(source);
    return r;
}

Result<> load_ldt(mmuext_op const &op)
{
    constexpr std::uint32_t max_entries = 8192;
    std::uint32_t entries = op.arg2.nr_ents, base = op.arg1.linear_addr;
    if (entries > max_entries || (base & ~page_mask) || !guest_range_ok(base, entries, 8))
        return Error::inval;
    return set_ldt(current(), base, entries);
}

Result<> flush_operation(mmuext_op const &op)
{
    ++current_domain().counters.tlb_flushes;
    switch (op.cmd) {
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_TLB_FLUSH_ALL: flush_tlb(); return {};
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_ALL: flush_tlb_page(op.arg1.linear_addr); return {};
    case MMUEXT_TLB_FLUSH_MULTI: return flush_many(op, true);
    case MMUEXT_INVLPG_MULTI: return flush_many(op, false);
    default:
        if (!current_domain().privileged)
            return Error::acces;
        flush_caches();
        return {};
    }
}

// `owner`: whose frames are named. What concerns the calling vCPU itself is allowed only for its own.
Result<> run_one(mmuext_op const &op, Domain *owner)
{
    Domain *self = &current_domain();
    switch (op.cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE: return pin(op, owner);
    case MMUEXT_PIN_L4_TABLE: return Error::inval;
    case MMUEXT_UNPIN_TABLE: return unpin_frame(Mfn{op.arg1.mfn}, owner);
    case MMUEXT_NEW_BASEPTR: return owner == self ? set_root(current(), Mfn{op.arg1.mfn}) : Result<>{Error::perm};
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL: return owner == self ? flush_operation(op) : Result<>{Error::perm};
    case MMUEXT_SET_LDT: return owner == self ? load_ldt(op) : Result<>{Error::perm};
    case MMUEXT_CLEAR_PAGE: return clear_page(Mfn{op.arg1.mfn}, owner);
    case MMUEXT_COPY_PAGE: return copy_page(Mfn{op.arg1.mfn}, Mfn{op.arg2.src_mfn}, owner);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER: return Error::opnotsupp;
    default: return Error::nosys;
    }
}

struct Progress {
    std::uint32_t done;
    bool preempted;
    Result<> result;
};

// Operations are read some at a time: a flush that one of them makes due is then mostly done by the load of CR3 that follows, before
// guest memory is looked at again.
Progress run_batch(std::uint32_t ops, std::uint32_t count, Domain *owner)
{
    constexpr std::uint32_t chunk = 8;
    mmuext_op batch[chunk];
    for (std::uint32_t i = 0; i < count;) {
        if (i % chunk == 0 && copy_from_guest(batch, ops + i * sizeof *batch, sizeof *batch * std::min(count - i, chunk)))
            return {i, false, Error::fault};
        if (i && preempt_requested())
            return {i, true, {}};
        Result<> r = run_one(batch[i % chunk], owner);
        if (!r.ok())
            return {i, r.error() == Error::again, r};
        ++i;
        if (!finish_unfinished(current()).ok())
            return {i, true, {}};
    }
    return {count, false, {}};
}

}  // namespace

Result<> set_root(Vcpu &v, Mfn l3)
{
    Mfn old = v.cr3;
    if (old == l3) {
        flush_tlb();
        return {};
    }
    TRY(get_frame_and_type(l3, v.domain, FrameType::l3));
    release_ldt(v);  // its pages were found through the old tables
    v.cr3 = l3;
    ++v.domain->counters.root_loads;
    // What only the old tables held goes first: loading CR3 is then the flush that its frames' next use asks for.
    if (old != no_mfn)
        put_table_later(v, frame_of(old));
    load_root(l3);
    return {};
}

std::int32_t do_mmuext_op(std::uint32_t ops, std::uint32_t count, std::uint32_t done, std::uint32_t domain)
{
    LockGuard guard{mmu_lock};
    std::uint32_t done_before = 0;
    if (count & mmu_preempted) {
        count &= ~mmu_preempted;
        if (done && !read_guest(done_before, done))
            return to_errno(Result<>{Error::fault});
    }
    if (!guest_range_ok(ops, count, sizeof(mmuext_op)))
        return to_errno(Result<>{Error::fault});
    auto owner = named_domain(domain);
    if (!owner.ok() || !owner.value())
        return to_errno(Result<>{owner.ok() ? Error::perm : owner.error()});
    Progress p{0, true, {}};
    if (finish_unfinished(current()).ok())
        p = run_batch(ops, count, owner.value());
    done_before += p.done;
    if (done && !write_guest(done, done_before))
        return to_errno(Result<>{Error::fault});
    if (p.preempted)
        return continue_hypercall(
            {ops + p.done * static_cast<std::uint32_t>(sizeof(mmuext_op)), (count - p.done) | mmu_preempted});
    return to_errno(p.result);
}

}  // namespace hv
