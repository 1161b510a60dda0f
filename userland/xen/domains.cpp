// SPDX-License-Identifier: MIT
#include <cstring>
#include <pv/event_channel.h>
#include <pv/hypercalls.h>
#include <string>
#include <userland/xen/domains.hpp>

namespace xen {
namespace {
xen_domctl operation(std::uint32_t command, domid_t domain)
{
    xen_domctl op{};
    op.cmd = command;
    op.domain = domain;
    return op;
}

Result<> simple(Hypervisor &hypervisor, std::uint32_t command, domid_t domain)
{
    auto op = operation(command, domain);
    return hypervisor.domctl(op);
}

Result<std::uint32_t> scheduler(Hypervisor &hypervisor)
{
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_sched_id;
    TRY(hypervisor.sysctl(op));
    return op.u.sched_id.sched_id;
}

Result<xen_domctl> share_operation(Hypervisor &hypervisor, domid_t domain, std::uint32_t what)
{
    auto op = operation(XEN_DOMCTL_scheduler_op, domain);
    op.u.scheduler_op.sched_id = TRY(scheduler(hypervisor));
    op.u.scheduler_op.cmd = what;
    return op;
}
}  // namespace

Result<domid_t> create_domain(Hypervisor &hypervisor, xen_domain_handle_t const &uuid, std::uint32_t vcpus)
{
    auto op = operation(XEN_DOMCTL_createdomain, 0);
    auto &c = op.u.createdomain;
    std::memcpy(c.handle, uuid, sizeof c.handle);
    c.max_vcpus = vcpus;
    c.max_evtchn_port = UINT32_MAX;
    c.max_grant_frames = c.max_maptrack_frames = -1;
    c.grant_opts = XEN_DOMCTL_GRANT_version(1);
    TRY(hypervisor.domctl(op));
    auto domain = op.domain;
    op = operation(XEN_DOMCTL_max_vcpus, domain);
    op.u.max_vcpus.max = vcpus;
    if (auto result = hypervisor.domctl(op); !result.ok()) {
        (void)destroy_domain(hypervisor, domain).ok();
        return result.error();
    }
    return domain;
}

Result<> set_memory_limit(Hypervisor &hypervisor, domid_t domain, std::uint64_t kilobytes)
{
    auto op = operation(XEN_DOMCTL_max_mem, domain);
    op.u.max_mem.max_memkb = kilobytes;
    return hypervisor.domctl(op);
}

Result<> fill_hypercall_page(Hypervisor &hypervisor, domid_t domain, xen_pfn_t frame)
{
    auto op = operation(XEN_DOMCTL_hypercall_init, domain);
    op.u.hypercall_init.gmfn = frame;
    return hypervisor.domctl(op);
}

Result<evtchn_port_t> make_port(Hypervisor &hypervisor, domid_t whose, domid_t peer)
{
    evtchn_alloc_unbound op{.dom = whose, .remote_dom = peer, .port = 0};
    TRY(hypervisor.call_with(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, op));
    return op.port;
}

Result<> destroy_domain(Hypervisor &hypervisor, domid_t domain)
{
    for (;;) {
        auto result = simple(hypervisor, XEN_DOMCTL_destroydomain, domain);
        if (result.ok() || result.error() != Error::again)
            return result;
    }
}

Result<> pause_domain(Hypervisor &h, domid_t domain) { return simple(h, XEN_DOMCTL_pausedomain, domain); }
Result<> unpause_domain(Hypervisor &h, domid_t domain) { return simple(h, XEN_DOMCTL_unpausedomain, domain); }

Result<> shut_down_domain(Hypervisor &hypervisor, domid_t domain, std::uint32_t reason)
{
    sched_remote_shutdown op{domain, reason};
    TRY(hypervisor.call_with(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, op));
    return {};
}

Result<DomainInfo> domain_info(Hypervisor &hypervisor, domid_t domain)
{
    auto op = operation(XEN_DOMCTL_getdomaininfo, domain);
    TRY(hypervisor.domctl(op));
    if (op.domain != domain)
        return Error::srch;
    return op.u.getdomaininfo;
}

Result<std::vector<DomainInfo>> all_domains(Hypervisor &hypervisor)
{
    constexpr std::uint32_t at_a_time = 64;
    auto buffer = TRY(CallBuffer<DomainInfo>::make(at_a_time));
    std::vector<DomainInfo> all;
    for (;;) {
        xen_sysctl op{};
        op.cmd = XEN_SYSCTL_getdomaininfolist;
        auto &list = op.u.getdomaininfolist;
        list.first_domain = all.empty() ? domid_t{0} : static_cast<domid_t>(all.back().domain + 1);
        list.max_domains = at_a_time;
        set_xen_guest_handle_64(list.buffer, buffer.data());
        TRY(hypervisor.sysctl(op));
        all.insert(all.end(), buffer.data(), buffer.data() + list.num_domains);
        if (list.num_domains < at_a_time)
            return all;
    }
}

Result<> get_vcpu_context(Hypervisor &hypervisor, domid_t domain, std::uint32_t vcpu, VcpuContext const &context)
{
    auto op = operation(XEN_DOMCTL_getvcpucontext, domain);
    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle_64(op.u.vcpucontext.ctxt, context.data());
    return hypervisor.domctl(op);
}

Result<> set_vcpu_context(Hypervisor &hypervisor, domid_t domain, std::uint32_t vcpu, VcpuContext const &context)
{
    auto op = operation(XEN_DOMCTL_setvcpucontext, domain);
    op.u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle_64(op.u.vcpucontext.ctxt, context.data());
    return hypervisor.domctl(op);
}

Result<xen_domctl_getvcpuinfo> vcpu_info(Hypervisor &hypervisor, domid_t domain, std::uint32_t vcpu)
{
    auto op = operation(XEN_DOMCTL_getvcpuinfo, domain);
    op.u.getvcpuinfo.vcpu = vcpu;
    TRY(hypervisor.domctl(op));
    return op.u.getvcpuinfo;
}

Result<Share> get_share(Hypervisor &hypervisor, domid_t domain)
{
    auto op = TRY(share_operation(hypervisor, domain, XEN_DOMCTL_SCHEDOP_getinfo));
    TRY(hypervisor.domctl(op));
    return Share{op.u.scheduler_op.u.credit.weight, op.u.scheduler_op.u.credit.cap};
}

Result<> set_share(Hypervisor &hypervisor, domid_t domain, Share share)
{
    auto op = TRY(share_operation(hypervisor, domain, XEN_DOMCTL_SCHEDOP_putinfo));
    op.u.scheduler_op.u.credit = {share.weight, share.cap};
    return hypervisor.domctl(op);
}

Result<xen_sysctl_physinfo> machine_info(Hypervisor &hypervisor)
{
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_physinfo;
    TRY(hypervisor.sysctl(op));
    return op.u.physinfo;
}

Result<std::uint64_t> idle_ns(Hypervisor &hypervisor)
{
    constexpr std::uint32_t most = 256;
    auto buffer = TRY(CallBuffer<xen_sysctl_cpuinfo>::make(most));
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_getcpuinfo;
    op.u.getcpuinfo.max_cpus = most;
    set_xen_guest_handle_64(op.u.getcpuinfo.info, buffer.data());
    TRY(hypervisor.sysctl(op));
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < op.u.getcpuinfo.nr_cpus && i < most; ++i)
        sum += buffer[i].idletime;
    return sum;
}

Result<std::vector<Counter>> counters(Hypervisor &hypervisor)
{
    auto query = [&](xen_sysctl_perfc_desc *names, xen_sysctl_perfc_val_t *values) -> Result<std::uint32_t> {
        xen_sysctl op{};
        op.cmd = XEN_SYSCTL_perfc_op;
        op.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
        set_xen_guest_handle_64(op.u.perfc_op.desc, names);
        set_xen_guest_handle_64(op.u.perfc_op.val, values);
        TRY(hypervisor.sysctl(op));
        return op.u.perfc_op.nr_counters;
    };
    auto count = TRY(query(nullptr, nullptr));
    auto names = TRY(CallBuffer<xen_sysctl_perfc_desc>::make(count));
    auto values = TRY(CallBuffer<xen_sysctl_perfc_val_t>::make(count));  // each has one
    TRY(query(names.data(), values.data()));
    std::vector<Counter> all;
    for (std::uint32_t i = 0; i < count; ++i) {
        std::string name{names[i].name, strnlen(names[i].name, sizeof names[i].name)};
        if (name != "hypercall unknown")  // the numbers that nothing has
            all.push_back({std::move(name), values[i]});
    }
    return all;
}

Result<std::string> messages(Hypervisor &hypervisor, bool clear)
{
    constexpr std::uint32_t room = 256 << 10;
    auto buffer = TRY(CallBuffer<char>::make(room));
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_readconsole;
    op.u.readconsole.clear = clear;
    op.u.readconsole.count = room;
    set_xen_guest_handle_64(op.u.readconsole.buffer, buffer.data());
    TRY(hypervisor.sysctl(op));
    return std::string{buffer.data(), op.u.readconsole.count};
}
}  // namespace xen
