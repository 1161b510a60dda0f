// SPDX-License-Identifier: MIT
// perfc_op: a domain's counters, with their names.
#include <cstring>
#include <hv/domain.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/heap.hpp>
#include <hv/hypercall_names.hpp>
#include <hv/state.hpp>
#include <hv/sysctl.hpp>
#include <iterator>
#include <lib/format.hpp>

namespace hv {
namespace {

struct Counter {
    char const *name;
    std::uint32_t Counters::*value;
};
constexpr Counter counters[] = {
#define HV_COUNTER(member, name) {name, &Counters::member},
    HV_COUNTERS(HV_COUNTER)
#undef HV_COUNTER
};
// Of the machine: for the control domain alone.
std::uint32_t unprivileged_domains()
{
    std::uint32_t n = 0;
    for (Domain *d = domain_list; d; d = d->next)
        n += !d->privileged;
    return n;
}
std::uint32_t unprivileged_state()
{
    std::size_t bytes = 0;
    for (Domain *d = domain_list; d; d = d->next)
        bytes += d->privileged ? 0 : state_bytes(*d);
    return static_cast<std::uint32_t>(bytes);
}
struct Gauge {
    char const *name;
    std::uint32_t (*value)();
};
constexpr Gauge gauges[] = {
    {"hypervisor heap bytes", [] { return static_cast<std::uint32_t>(heap_used()); }},
    {"unprivileged domains", unprivileged_domains},
    {"state bytes of unprivileged domains", unprivileged_state},
    {"frames of dead domains still mapped", [] { return static_cast<std::uint32_t>(orphan_frame_count()); }},
};

constexpr unsigned first_gauge = std::size(counters) + PV_NR_HYPERCALLS;
constexpr unsigned most_counters = first_gauge + std::size(gauges);

unsigned count_for(Domain const &d) { return d.privileged ? most_counters : first_gauge; }

xen_sysctl_perfc_val_t value_of(Counters const &c, unsigned i)
{
    return i < std::size(counters) ? c.*counters[i].value
        : i < first_gauge          ? c.hypercalls[i - std::size(counters)]
                                   : gauges[i - first_gauge].value();
}

void describe(unsigned i, xen_sysctl_perfc_desc &d)
{
    std::memset(&d, 0, sizeof d);
    d.nr_vals = 1;
    if (i < std::size(counters))
        format(d.name, sizeof d.name, "%s", counters[i].name);
    else if (i >= first_gauge)
        format(d.name, sizeof d.name, "%s", gauges[i - first_gauge].name);
    else
        format(d.name, sizeof d.name, "hypercall %s", hypercall_name(i - std::size(counters)));
}

// The values are read once into a local list, so that a query is a snapshot.
Result<> query(Domain const &d, xen_sysctl_perfc_op const &op)
{
    unsigned const count = count_for(d);
    xen_sysctl_perfc_val_t values[most_counters];
    for (unsigned i = 0; i < count; ++i)
        values[i] = value_of(d.counters, i);
    if (op.val.q && copy_to_guest(handle_address(op.val), values, count * sizeof values[0]))
        return Error::fault;
    for (unsigned i = 0; op.desc.q && i < count; ++i) {
        xen_sysctl_perfc_desc text;
        describe(i, text);
        if (!guest_range_ok(handle_address(op.desc), count, sizeof text))
            return Error::fault;
        if (!write_guest(handle_address(op.desc) + i * static_cast<std::uint32_t>(sizeof text), text))
            return Error::fault;
    }
    return {};
}

}  // namespace

Result<> perfc(xen_sysctl_perfc_op &op)
{
    Domain &d = current_domain();
    if (op.cmd == XEN_SYSCTL_PERFCOP_reset)
        d.counters = {};
    else if (op.cmd == XEN_SYSCTL_PERFCOP_query)
        TRY(query(d, op));
    else
        return Error::inval;
    op.nr_counters = op.nr_vals = count_for(d);
    return {};
}

}  // namespace hv
