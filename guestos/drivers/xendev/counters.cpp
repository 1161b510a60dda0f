// SPDX-License-Identifier: MIT
// /proc/xen/counters: what the hypervisor has counted for this domain (XEN_SYSCTL_perfc_op), lines "NAME NUMBER", those above 0. They
// are 32 bits wide and wrap. Empty where the hypervisor does not tell.
#include <cstring>
#include <drivers/xendev/xendev.hpp>
#include <pv/sysctl.h>
#include <pvlib/hypercall.hpp>

namespace xendev {
namespace {
Result<> query(xen_sysctl_perfc_desc *names, xen_sysctl_perfc_val_t *values, std::uint32_t &count)
{
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_perfc_op;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
    set_xen_guest_handle_64(op.u.perfc_op.desc, names);
    set_xen_guest_handle_64(op.u.perfc_op.val, values);
    TRY(pv::checked(pv::call<__HYPERVISOR_sysctl>(pv::word(&op))));
    count = op.u.perfc_op.nr_counters;
    return {};
}
}  // namespace

// A counter has one value here. The numbers do not change from call to call, so there is room for all after asking for their count.
Result<> show_counters(kernel::Text &out, kernel::ProcTarget const &)
{
    std::uint32_t count = 0;
    if (!query(nullptr, nullptr, count).ok())
        return {};
    std::unique_ptr<xen_sysctl_perfc_desc[]> names{new (std::nothrow) xen_sysctl_perfc_desc[count]};
    std::unique_ptr<xen_sysctl_perfc_val_t[]> values{new (std::nothrow) xen_sysctl_perfc_val_t[count]};
    if (!names || !values)
        return Error::nomem;
    std::memset(names.get(), 0, count * sizeof names[0]);
    TRY(query(names.get(), values.get(), count));
    for (std::uint32_t i = 0; i < count; ++i)
        if (values[i])
            out.print("%s %u\n", names[i].name, values[i]);
    return {};
}
}  // namespace xendev
