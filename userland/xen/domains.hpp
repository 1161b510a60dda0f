// SPDX-License-Identifier: MIT
// Domains: made, asked about, stopped and ended, by domctl, sysctl and their like.
#pragma once
#include <pv/sched.h>
#include <string>
#include <userland/xen/hypervisor.hpp>
#include <vector>

namespace xen {
using DomainInfo = xen_domctl_getdomaininfo;
using VcpuContext = CallBuffer<vcpu_guest_context>;

// Paused, without memory and processors' states.
Result<domid_t> create_domain(Hypervisor &, xen_domain_handle_t const &uuid, std::uint32_t vcpus);
Result<> set_memory_limit(Hypervisor &, domid_t, std::uint64_t kilobytes);
Result<> fill_hypercall_page(Hypervisor &, domid_t, xen_pfn_t frame);
// A port of `whose` that `peer` may bind.
Result<evtchn_port_t> make_port(Hypervisor &, domid_t whose, domid_t peer);
// Everything that it had is free when this returns.
Result<> destroy_domain(Hypervisor &, domid_t);

Result<> pause_domain(Hypervisor &, domid_t);
Result<> unpause_domain(Hypervisor &, domid_t);
Result<> shut_down_domain(Hypervisor &, domid_t, std::uint32_t reason);  // SHUTDOWN_*; it is not asked

Result<DomainInfo> domain_info(Hypervisor &, domid_t);  // Error::srch: there is none
Result<std::vector<DomainInfo>> all_domains(Hypervisor &);
Result<> get_vcpu_context(Hypervisor &, domid_t, std::uint32_t vcpu, VcpuContext const &);
Result<> set_vcpu_context(Hypervisor &, domid_t, std::uint32_t vcpu, VcpuContext const &);
Result<xen_domctl_getvcpuinfo> vcpu_info(Hypervisor &, domid_t, std::uint32_t vcpu);

struct Share {
    std::uint16_t weight, cap;  // xen_domctl_sched_credit
};
Result<Share> get_share(Hypervisor &, domid_t);
Result<> set_share(Hypervisor &, domid_t, Share);

Result<xen_sysctl_physinfo> machine_info(Hypervisor &);
Result<std::uint64_t> idle_ns(Hypervisor &);  // of all processors together
struct Counter {
    std::string name;
    std::uint64_t value;
};
// What the hypervisor counts, under its own names: events of domain 0 since it began, and what there is in the machine now.
Result<std::vector<Counter>> counters(Hypervisor &);
// The hypervisor's messages; `clear`: it forgets them.
Result<std::string> messages(Hypervisor &, bool clear);
}  // namespace xen
