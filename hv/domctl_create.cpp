// SPDX-License-Identifier: MIT
// domctl createdomain: an id, and the limits that the domain will live with. What is asked for and not there is refused, not ignored.
#include <cstring>
#include <hv/cpu.hpp>
#include <hv/domctl.hpp>

namespace hv {
namespace {

DomainId last_given;  // ids go round, so that one is not soon another's

Result<> check(xen_domctl_createdomain const &c)
{
    bool good = (c.flags & ~static_cast<std::uint32_t>(XEN_DOMCTL_CDF_xs_domain)) == 0 && c.grant_opts == 1
        && c.max_vcpus >= 1 && c.max_vcpus <= max_vcpus_per_domain && c.iommu_opts == 0 && c.vmtrace_size == 0
        && c.arch.emulation_flags == 0 && c.arch.misc_flags == 0;
    if (!good)
        return Error::inval;
    if (c.cpupool_id != 0)
        return Error::noent;
    return {};
}

Result<DomainId> choose_id(DomainId wanted)
{
    if (wanted > 0 && wanted < DOMID_FIRST_RESERVED) {
        if (find_domain(wanted))
            return Error::exist;
        return wanted;
    }
    for (unsigned tries = 1; tries < DOMID_FIRST_RESERVED; ++tries) {
        last_given = last_given + 1 < DOMID_FIRST_RESERVED ? static_cast<DomainId>(last_given + 1) : DomainId{1};
        if (!find_domain(last_given))
            return last_given;
    }
    return Error::nomem;
}

}  // namespace

Result<> create(xen_domctl &op)
{
    xen_domctl_createdomain const &c = op.u.createdomain;
    TRY(check(c));
    DomainId id = TRY(choose_id(op.domain));
    Domain &d = *TRY(create_domain(id, {c.max_vcpus, c.max_grant_frames, c.max_maptrack_frames}));
    d.pause_count = 1;
    d.serves_xenstore = c.flags & XEN_DOMCTL_CDF_xs_domain;
    static_assert(sizeof d.handle == sizeof c.handle);
    std::memcpy(d.handle, c.handle, sizeof d.handle);
    if (c.max_evtchn_port < d.port_limit)
        d.port_limit = c.max_evtchn_port + 1;
    op.domain = id;
    return {};
}

}  // namespace hv
