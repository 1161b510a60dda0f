// SPDX-License-Identifier: MIT
// domctl: how the control domain makes, runs and ends domains.
//
// What takes long says Error::again and is made again with the same arguments; how far it got is written in what it works on.
#include <cstring>
#include <hv/cpu.hpp>
#include <hv/domctl.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/map.hpp>
#include <hv/mmu.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>

namespace hv {
namespace {

Lock domctl_lock;

// Most is not for the caller's own domain: it would have to stop itself.
Result<> check_other(Domain const &d)
{
    if (&d == &current_domain())
        return Error::inval;
    return {};
}

Result<> destroy(Domain &d)
{
    TRY(check_other(d));
    LockGuard guard{mmu_lock};
    TRY(finish_unfinished(current()));  // it may be a table of this domain
    return destroy_domain(d);
}

Result<> pause(Domain &d)
{
    TRY(check_other(d));
    if (d.pause_count == 255)
        return Error::overflow;
    ++d.pause_count;
    reconsider(d);
    return {};
}

Result<> unpause(Domain &d)
{
    TRY(check_other(d));
    if (d.pause_count == 0)
        return Error::inval;
    --d.pause_count;
    reconsider(d);
    return {};
}

// After a suspension or a shutdown that is taken back: the vCPUs go on behind the call that ended them.
Result<> resume(Domain &d)
{
    TRY(check_other(d));
    d.is_shutdown = false;
    d.shutdown_code = 0;
    reconsider(d);
    return {};
}

Result<> set_max_vcpus(Domain &d, xen_domctl_max_vcpus const &op)
{
    TRY(check_other(d));
    if (op.max != d.max_vcpus)
        return Error::inval;
    return create_vcpus(d);
}

Result<> set_max_memory(Domain &d, xen_domctl_max_mem const &op)
{
    std::uint64_t pages = op.max_memkb >> (page_shift - 10);
    d.max_pages = pages > ~0u ? ~0u : static_cast<std::uint32_t>(pages);
    return {};
}

Result<> fill_hypercalls(Domain &d, xen_domctl_hypercall_init const &op)
{
    LockGuard guard{mmu_lock};
    if (op.gmfn >> 32)
        return Error::inval;
    Mfn mfn{static_cast<std::uint32_t>(op.gmfn)};
    Frame &f = *TRY(get_frame(mfn, &d));
    Result<> r = get_type(f, FrameType::writable);
    if (r.ok()) {
        fill_hypercall_page(Mapped<>{mfn}.get());
        static_cast<void>(put_type(f));
    }
    put_frame(f);
    return r.ok() ? r : Result<>{Error::perm};
}

Result<> set_time_offset(Domain &d, xen_domctl_settimeoffset const &op)
{
    d.time_offset_seconds = op.time_offset_seconds;
    update_wallclock(d);
    return {};
}

// All pointers here have 32 bits.
Result<> set_address_size(xen_domctl_address_size const &op)
{
    if (op.size != 32)
        return Error::inval;
    return {};
}

// Device memory and ports are the control domain's and are not given to others: taking them away changes nothing.
Result<> permit_device(Domain const &d, bool allow)
{
    if (allow && !d.privileged)
        return Error::opnotsupp;
    return {};
}

// The time-stamp counter is everybody's own: mode 0 and 2 ("native").
Result<> set_tsc(xen_domctl_tsc_info const &op)
{
    if (op.tsc_mode != 0 && op.tsc_mode != 2)
        return Error::opnotsupp;
    return {};
}

void get_tsc(xen_domctl_tsc_info &op)
{
    op = {};
    op.gtsc_khz = tsc_khz();
    op.elapsed_nsec = now_ns();
}

Result<> schedule(Domain &d, xen_domctl_scheduler_op &op)
{
    if (op.sched_id != XEN_SCHEDULER_CREDIT)
        return Error::inval;
    xen_domctl_sched_credit &c = op.u.credit;
    constexpr std::uint16_t unchanged = 0xffff;
    switch (op.cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo: c.weight = d.weight, c.cap = d.cap; return {};
    case XEN_DOMCTL_SCHEDOP_putinfo:
        set_share(d, c.weight ? c.weight : d.weight, c.cap == unchanged ? d.cap : c.cap);
        return {};
    default: return Error::inval;
    }
}

Result<> run(Domain &d, xen_domctl &op)
{
    switch (op.cmd) {
    case XEN_DOMCTL_destroydomain: return destroy(d);
    case XEN_DOMCTL_pausedomain: return pause(d);
    case XEN_DOMCTL_unpausedomain: return unpause(d);
    case XEN_DOMCTL_resumedomain: return resume(d);
    case XEN_DOMCTL_max_vcpus: return set_max_vcpus(d, op.u.max_vcpus);
    case XEN_DOMCTL_max_mem: return set_max_memory(d, op.u.max_mem);
    case XEN_DOMCTL_setvcpucontext: return TRY(check_other(d)), set_context(d, op.u.vcpucontext);
    case XEN_DOMCTL_getvcpucontext: return TRY(check_other(d)), get_context(d, op.u.vcpucontext);
    case XEN_DOMCTL_getvcpuinfo: return get_vcpu_info(d, op.u.getvcpuinfo);
    case XEN_DOMCTL_getpageframeinfo3: return get_page_info(d, op.u.getpageframeinfo3);
    case XEN_DOMCTL_scheduler_op: return schedule(d, op.u.scheduler_op);
    case XEN_DOMCTL_setvcpuaffinity: return set_affinity(d, op.u.vcpuaffinity);
    case XEN_DOMCTL_getvcpuaffinity: return get_affinity(d, op.u.vcpuaffinity);
    case XEN_DOMCTL_getnodeaffinity: return get_node_affinity(d, op.u.nodeaffinity);
    case XEN_DOMCTL_setdomainhandle:
        return std::memcpy(d.handle, op.u.setdomainhandle.handle, sizeof d.handle), Result<>{};
    case XEN_DOMCTL_hypercall_init: return fill_hypercalls(d, op.u.hypercall_init);
    case XEN_DOMCTL_settimeoffset: return set_time_offset(d, op.u.settimeoffset);
    case XEN_DOMCTL_set_address_size: return set_address_size(op.u.address_size);
    case XEN_DOMCTL_get_address_size: return op.u.address_size.size = 32, Result<>{};
    case XEN_DOMCTL_settscinfo: return set_tsc(op.u.tsc_info);
    case XEN_DOMCTL_gettscinfo: return get_tsc(op.u.tsc_info), Result<>{};
    case XEN_DOMCTL_iomem_permission: return permit_device(d, op.u.iomem_permission.allow_access);
    case XEN_DOMCTL_ioport_permission: return permit_device(d, op.u.ioport_permission.allow_access);
    case XEN_DOMCTL_irq_permission: return permit_device(d, op.u.irq_permission.allow_access);
    default: return Error::nosys;
    }
}

// The domain with that id, or the next above.
Result<> info(xen_domctl &op)
{
    if (op.domain >= DOMID_FIRST_RESERVED)
        return Error::inval;
    Domain const *d = domain_list;
    while (d && d->id < op.domain)
        d = d->next;
    if (!d)
        return Error::srch;
    fill_domain_info(*d, op.u.getdomaininfo);
    op.domain = d->id;
    return {};
}

Result<> dispatch(xen_domctl &op)
{
    if (op.cmd == XEN_DOMCTL_createdomain)
        return create(op);
    if (op.cmd == XEN_DOMCTL_getdomaininfo)
        return info(op);
    Domain *d = op.domain < DOMID_FIRST_RESERVED ? find_domain(op.domain) : nullptr;
    if (!d || (d->dying && op.cmd != XEN_DOMCTL_destroydomain))
        return Error::srch;
    return run(*d, op);
}

bool gives_something_back(std::uint32_t cmd)
{
    return cmd == XEN_DOMCTL_createdomain || cmd == XEN_DOMCTL_getdomaininfo || cmd == XEN_DOMCTL_getvcpuinfo
        || cmd == XEN_DOMCTL_scheduler_op || cmd == XEN_DOMCTL_get_address_size || cmd == XEN_DOMCTL_gettscinfo;
}

}  // namespace

std::int32_t do_domctl(std::uint32_t argument)
{
    if (!current_domain().privileged)
        return -static_cast<std::int32_t>(Error::perm);
    xen_domctl op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -static_cast<std::int32_t>(Error::acces);
    LockGuard guard{domctl_lock};
    Result<> r = dispatch(op);
    if (r.error() == Error::again)
        return continue_hypercall({});
    if (r.ok() && gives_something_back(op.cmd) && !write_guest(argument, op))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(r);
}

}  // namespace hv
