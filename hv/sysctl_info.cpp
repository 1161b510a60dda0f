// SPDX-License-Identifier: MIT
// What the machine is and has, and the list of domains.
#include <cstring>
#include <hv/cpu.hpp>
#include <hv/domctl.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>
#include <hv/sysctl.hpp>
#include <hv/time.hpp>
#include <lib/addr.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

template <class T>
Result<> give(std::uint32_t to, T const &value)
{
    if (!write_guest(to, value))
        return Error::fault;
    return {};
}

void physical_info(xen_sysctl_physinfo &out)
{
    std::memset(&out, 0, sizeof out);
    out.threads_per_core = out.cores_per_socket = out.nr_cpus = out.nr_nodes = 1;
    out.cpu_khz = tsc_khz();
    out.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    out.total_pages = total_frame_count();
    out.free_pages = free_frame_count();
    out.max_mfn = frame_limit - 1;
    auto basic = x86::cpuid(1), extended = x86::cpuid(0x8000'0001);
    out.hw_cap[0] = basic.edx, out.hw_cap[1] = basic.ecx;
    out.hw_cap[2] = extended.edx, out.hw_cap[3] = extended.ecx;
}

Result<> list_domains(xen_sysctl_getdomaininfolist &op)
{
    std::uint32_t n = 0;
    for (Domain *d = domain_list; d && n < op.max_domains; d = d->next) {
        if (d->id < op.first_domain)
            continue;
        xen_domctl_getdomaininfo info;
        fill_domain_info(*d, info);
        TRY(give(handle_address(op.buffer) + n * static_cast<std::uint32_t>(sizeof info), info));
        ++n;
    }
    op.num_domains = n;
    return {};
}

Result<> cpu_info(xen_sysctl_getcpuinfo &op)
{
    op.nr_cpus = op.max_cpus ? 1 : 0;
    if (!op.nr_cpus)
        return {};
    return give(handle_address(op.info), xen_sysctl_cpuinfo{idle_ns()});
}

// Memory of any address width is the same here: there is one pool, and its frames lie below 4 GiB.
Result<> available_heap(xen_sysctl_availheap &op)
{
    if (op.node > 0 || op.node < -1)
        return Error::inval;
    op.avail_bytes = std::uint64_t{free_frame_count()} << page_shift;
    return {};
}

Result<> cpu_topology(xen_sysctl_cputopoinfo &op)
{
    bool wanted = op.cputopo.q != 0 && op.num_cpus >= 1;
    op.num_cpus = 1;
    return wanted ? give(handle_address(op.cputopo), xen_sysctl_cputopo{0, 0, 0}) : Result<>{};
}

Result<> nodes(xen_sysctl_numainfo &op)
{
    constexpr std::uint32_t local = 10;
    bool room = op.num_nodes >= 1;
    op.num_nodes = 1;
    xen_sysctl_meminfo memory{std::uint64_t{total_frame_count()} << page_shift,
                              std::uint64_t{free_frame_count()} << page_shift};
    if (room && op.meminfo.q)
        TRY(give(handle_address(op.meminfo), memory));
    if (room && op.distance.q)
        TRY(give(handle_address(op.distance), local));
    return {};
}

constexpr std::int64_t ns_per_us = 1000, ns_per_ms = 1'000'000;

Result<> schedule(xen_sysctl_scheduler_op &op)
{
    xen_sysctl_credit_schedule &c = op.u.sched_credit;
    if (op.cpupool_id != 0 || op.sched_id != XEN_SCHEDULER_CREDIT)
        return Error::inval;
    if (op.cmd == XEN_SYSCTL_SCHEDOP_putinfo) {
        bool good = c.tslice_ms >= XEN_SYSCTL_CSCHED_TSLICE_MIN && c.tslice_ms <= XEN_SYSCTL_CSCHED_TSLICE_MAX
            && c.ratelimit_us <= XEN_SYSCTL_SCHED_RATELIMIT_MAX && c.ratelimit_us <= c.tslice_ms * 1000
            && (c.ratelimit_us == 0 || c.ratelimit_us >= XEN_SYSCTL_SCHED_RATELIMIT_MIN) && c.vcpu_migr_delay_us == 0;
        if (!good)
            return Error::inval;
        set_schedule(c.tslice_ms * ns_per_ms, c.ratelimit_us * ns_per_us);
    } else if (op.cmd != XEN_SYSCTL_SCHEDOP_getinfo) {
        return Error::inval;
    }
    std::int64_t slice, rate_limit;
    get_schedule(slice, rate_limit);
    c.tslice_ms = static_cast<std::uint32_t>(slice / ns_per_ms);
    c.ratelimit_us = static_cast<std::uint32_t>(rate_limit / ns_per_us);
    c.vcpu_migr_delay_us = 0;
    return {};
}

// One pool, number 0, with everything in it.
Result<> pool(xen_sysctl_cpupool_op &op)
{
    if (op.op == XEN_SYSCTL_CPUPOOL_OP_FREEINFO)
        return write_bitmap(op.cpumap, false);
    if (op.op != XEN_SYSCTL_CPUPOOL_OP_INFO)
        return Error::opnotsupp;
    if (op.cpupool_id != 0 && op.cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
        return Error::noent;
    op.cpupool_id = 0;
    op.sched_id = XEN_SCHEDULER_CREDIT;
    op.n_dom = 0;
    for (Domain *d = domain_list; d; d = d->next)
        ++op.n_dom;
    return write_bitmap(op.cpumap, true);
}

}  // namespace

Result<> machine_question(xen_sysctl &op)
{
    switch (op.cmd) {
    case XEN_SYSCTL_physinfo: return physical_info(op.u.physinfo), Result<>{};
    case XEN_SYSCTL_sched_id: return op.u.sched_id.sched_id = XEN_SCHEDULER_CREDIT, Result<>{};
    case XEN_SYSCTL_getdomaininfolist: return list_domains(op.u.getdomaininfolist);
    case XEN_SYSCTL_getcpuinfo: return cpu_info(op.u.getcpuinfo);
    case XEN_SYSCTL_availheap: return available_heap(op.u.availheap);
    case XEN_SYSCTL_cputopoinfo: return cpu_topology(op.u.cputopoinfo);
    case XEN_SYSCTL_numainfo: return nodes(op.u.numainfo);
    case XEN_SYSCTL_cpupool_op: return pool(op.u.cpupool_op);
    case XEN_SYSCTL_scheduler_op: return schedule(op.u.scheduler_op);
    default: return Error::nosys;
    }
}

}  // namespace hv
