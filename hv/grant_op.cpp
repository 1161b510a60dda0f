// SPDX-License-Identifier: MIT
// grant_table_op: lists of operations, each with a status of its own. A list that takes long goes on where it stopped; what was done before
// has its status written.
#include <hv/cpu.hpp>
#include <hv/grant.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>

namespace hv {
namespace {

Result<Domain *> any_domain(domid_t id)
{
    if (id == DOMID_SELF)
        return &current_domain();
    Domain *d = id < DOMID_FIRST_RESERVED ? find_domain(id) : nullptr;
    if (!d || d->dying || !d->grants)
        return Error::srch;
    return d;
}

// Its own table is everybody's to set up and ask about; others' are the control domain's.
Result<Domain *> owned_table(domid_t id)
{
    Domain *d = TRY(any_domain(id));
    if (d != &current_domain() && !current_domain().privileged)
        return Error::perm;
    return d;
}

// --- lists -----------------------------------------------------------------------------------------------------------------

Result<> one(gnttab_map_grant_ref &op) { return map_grant(op); }
Result<> one(gnttab_unmap_grant_ref const &op) { return unmap_grant({op.host_addr, op.dev_bus_addr, 0, op.handle}); }
Result<> one(gnttab_unmap_and_replace const &op) { return unmap_grant({op.host_addr, 0, op.new_addr, op.handle}); }
Result<> one(gnttab_copy const &op) { return copy_grant(op); }

// Two entries that nobody uses change places.
Result<> one(gnttab_swap_grant_ref const &op)
{
    Domain &self = current_domain();
    GrantTable const &t = *self.grants;
    if (!within(t, op.ref_a) || !within(t, op.ref_b))
        return Error::noent;
    if (find_active(self, op.ref_a) || find_active(self, op.ref_b))
        return Error::busy;
    grant_entry_v1 *a = map_grant_entry(t, op.ref_a), *b = map_grant_entry(t, op.ref_b);
    grant_entry_v1 kept = *a;
    *a = *b;
    *b = kept;
    unmap_grant_entry(a);
    unmap_grant_entry(b);
    return {};
}

template <class Op>
std::int32_t run_list(std::uint32_t cmd, std::uint32_t list, std::uint32_t count)
{
    if (!guest_range_ok(list, count, sizeof(Op)))
        return -static_cast<std::int32_t>(Error::fault);
    for (; count; --count, list += sizeof(Op)) {
        if (preempt_requested())
            return continue_hypercall({cmd, list, count});
        Op op;
        if (!read_guest(op, list))
            return -static_cast<std::int32_t>(Error::fault);
        {
            LockGuard guard{grant_lock};
            op.status = grant_status(one(op).error());
        }
        if (!write_guest(list, op))
            return -static_cast<std::int32_t>(Error::fault);
    }
    return 0;
}

// --- one at a time -----------------------------------------------------------------------------------------------------------

Result<> set_up(gnttab_setup_table const &op)
{
    LockGuard guard{grant_lock};
    Domain &d = *TRY(owned_table(op.dom));
    if (op.nr_frames > d.grants->frame_count)
        TRY(grow_grant_table(d, op.nr_frames));
    auto list = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(op.frame_list));
    for (std::uint32_t i = 0; i < op.nr_frames; ++i)
        if (!write_guest(list + i * 4, d.grants->frames[i].raw()))
            return Error::fault;
    return {};
}

Result<> fill(gnttab_query_size &op)
{
    Domain const &d = *TRY(owned_table(op.dom));
    op.nr_frames = d.grants->frame_count;
    op.max_nr_frames = d.grants->frame_limit;
    return {};
}

template <class Op>
std::int32_t with_status(Op &op, std::uint32_t argument, Result<> r)
{
    op.status = grant_status(r.error());
    return write_guest(argument, op) ? 0 : -static_cast<std::int32_t>(Error::fault);
}

std::int32_t setup_table(std::uint32_t argument, std::uint32_t count)
{
    gnttab_setup_table op;
    if (count != 1)
        return -static_cast<std::int32_t>(Error::inval);
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    auto list = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(op.frame_list));
    bool sensible = op.nr_frames <= grant_frame_limit;
    if (sensible && !guest_range_ok(list, op.nr_frames, 4))
        return -static_cast<std::int32_t>(Error::fault);
    Result<> r = sensible ? set_up(op) : Result<>{Error::inval};
    return r.error() == Error::fault ? to_errno(r) : with_status(op, argument, r);
}

std::int32_t query_size(std::uint32_t argument, std::uint32_t count)
{
    gnttab_query_size op;
    if (count != 1)
        return -static_cast<std::int32_t>(Error::inval);
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    return with_status(op, argument, fill(op));
}

// There is version 1. Asking for 2 is no mistake, only in vain.
std::int32_t set_version(std::uint32_t argument)
{
    gnttab_set_version op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    Result<> r = op.version == 1 ? Result<>{} : Result<>{op.version == 2 ? Error::nosys : Error::inval};
    op.version = 1;
    return write_guest(argument, op) ? to_errno(r) : -static_cast<std::int32_t>(Error::fault);
}

std::int32_t get_version(std::uint32_t argument)
{
    gnttab_get_version op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    auto d = owned_table(op.dom);
    if (!d.ok())
        return to_errno(Result<>{d.error()});
    op.version = 1;
    return write_guest(argument, op) ? 0 : -static_cast<std::int32_t>(Error::fault);
}

// A table of version 1 has no frames for the status.
std::int32_t get_status_frames(std::uint32_t argument, std::uint32_t count)
{
    gnttab_get_status_frames op;
    if (count != 1)
        return -static_cast<std::int32_t>(Error::inval);
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    auto d = owned_table(op.dom);
    Result<> r = !d.ok() ? Result<>{d.error()} : op.nr_frames ? Result<>{Error::inval} : Result<>{};
    return with_status(op, argument, r);
}

}  // namespace

std::int16_t grant_status(Error e)
{
    switch (e) {
    case Error::none: return GNTST_okay;
    case Error::srch: return GNTST_bad_domain;
    case Error::noent: return GNTST_bad_gntref;
    case Error::badf: return GNTST_bad_handle;
    case Error::nospc: return GNTST_no_device_space;
    case Error::perm: return GNTST_permission_denied;
    case Error::range: return GNTST_bad_copy_arg;
    case Error::busy: return GNTST_eagain;
    default: return GNTST_general_error;
    }
}

std::int32_t do_grant_table_op(std::uint32_t cmd, std::uint32_t argument, std::uint32_t count)
{
    if (static_cast<std::int32_t>(count) < 0)
        return -static_cast<std::int32_t>(Error::inval);
    LockGuard guard{mmu_lock};
    switch (cmd) {
    case GNTTABOP_map_grant_ref: return run_list<gnttab_map_grant_ref>(cmd, argument, count);
    case GNTTABOP_unmap_grant_ref: return run_list<gnttab_unmap_grant_ref>(cmd, argument, count);
    case GNTTABOP_unmap_and_replace: return run_list<gnttab_unmap_and_replace>(cmd, argument, count);
    case GNTTABOP_copy: return run_list<gnttab_copy>(cmd, argument, count);
    case GNTTABOP_swap_grant_ref: return run_list<gnttab_swap_grant_ref>(cmd, argument, count);
    case GNTTABOP_setup_table: return setup_table(argument, count);
    case GNTTABOP_query_size: return query_size(argument, count);
    case GNTTABOP_set_version: return set_version(argument);
    case GNTTABOP_get_version: return get_version(argument);
    case GNTTABOP_get_status_frames: return get_status_frames(argument, count);
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

}  // namespace hv
