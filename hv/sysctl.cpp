// SPDX-License-Identifier: MIT
// sysctl, for the control domain: the counters (perfc_op), the hypervisor's log (readconsole); facts about the machine are sysctl_info.cpp's.
#include <cstring>
#include <hv/console.hpp>
#include <hv/frames.hpp>
#include <hv/guest_copy.hpp>
#include <hv/heap.hpp>
#include <hv/hypercall.hpp>
#include <hv/hypercall_names.hpp>
#include <hv/state.hpp>
#include <hv/sysctl.hpp>
#include <iterator>
#include <lib/format.hpp>
#include <lib/result.hpp>
#include <pv/sysctl.h>

namespace hv {
namespace {

constexpr unsigned num_hypercalls = PV_NR_HYPERCALLS;

struct Counter {
    char const *name;
    std::uint64_t Domain::*value;
};
// Of the calling domain. A counter is 32 bits wide in this interface: the low half.
constexpr Counter counters[] = {
    {"entries into ring 0", &Domain::ring0_entries},
    {"page faults", &Domain::page_faults},
    {"exceptions bounced", &Domain::exceptions_bounced},
    {"instructions emulated", &Domain::emulated},
    {"page-table entries", &Domain::mmu_entries},
    {"TLB flushes", &Domain::tlb_flushes},
    {"events sent", &Domain::events_sent},
    {"segments widened", &Domain::segments_widened},
};
// Of the machine.
std::uint64_t unprivileged_domains()
{
    std::uint64_t n = 0;
    for (Domain *d = domain_list; d; d = d->next)
        n += !d->privileged;
    return n;
}
std::uint64_t unprivileged_state()
{
    std::uint64_t bytes = 0;
    for (Domain *d = domain_list; d; d = d->next)
        bytes += d->privileged ? 0 : state_bytes(*d);
    return bytes;
}
struct Gauge {
    char const *name;
    std::uint64_t (*value)();
};
constexpr Gauge gauges[] = {
    {"hypervisor heap bytes", [] { return std::uint64_t{heap_used()}; }},
    {"unprivileged domains", unprivileged_domains},
    {"state bytes of unprivileged domains", unprivileged_state},
    {"frames of dead domains still mapped", [] { return std::uint64_t{orphan_frame_count()}; }},
};

constexpr unsigned first_gauge = std::size(counters) + num_hypercalls;
constexpr unsigned num_counters = first_gauge + std::size(gauges);

xen_sysctl_perfc_val_t value_of(Domain const &d, unsigned i)
{
    std::uint64_t v = i < std::size(counters) ? d.*counters[i].value
        : i < first_gauge                     ? d.hypercalls[i - std::size(counters)]
                                              : gauges[i - first_gauge].value();
    return static_cast<xen_sysctl_perfc_val_t>(v);
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

void reset_counters(Domain &d)
{
    for (Counter const &c : counters)
        d.*c.value = 0;
    for (auto &n : d.hypercalls)
        n = 0;
}

// The values are read once into a local list, so that a query is a snapshot.
Result<> query(xen_sysctl_perfc_op const &op)
{
    Domain const &d = current_domain();
    xen_sysctl_perfc_val_t values[num_counters];
    for (unsigned i = 0; i < num_counters; ++i)
        values[i] = value_of(d, i);
    if (op.val.q && copy_to_guest(handle_address(op.val), values, sizeof values))
        return Error::fault;
    for (unsigned i = 0; op.desc.q && i < num_counters; ++i) {
        xen_sysctl_perfc_desc text;
        describe(i, text);
        if (!guest_range_ok(handle_address(op.desc), num_counters, sizeof text))
            return Error::fault;
        if (!write_guest(handle_address(op.desc) + i * static_cast<std::uint32_t>(sizeof text), text))
            return Error::fault;
    }
    return {};
}

Result<> perfc(xen_sysctl_perfc_op &op)
{
    if (op.cmd == XEN_SYSCTL_PERFCOP_reset)
        reset_counters(current_domain());
    else if (op.cmd == XEN_SYSCTL_PERFCOP_query)
        TRY(query(op));
    else
        return Error::inval;
    op.nr_counters = op.nr_vals = num_counters;
    return {};
}

std::uint32_t cleared_to;  // where a reader begins after a `clear`

Result<> read_console(xen_sysctl_readconsole &op)
{
    char chunk[256];
    std::uint32_t index = op.incremental ? op.index : cleared_to, done = 0;
    if (!guest_range_ok(handle_address(op.buffer), op.count, 1))
        return Error::fault;
    while (done < op.count) {
        std::uint32_t want = op.count - done < sizeof chunk ? op.count - done : sizeof chunk;
        std::uint32_t n = read_log_ring(&index, chunk, want);
        if (n == 0)
            break;
        if (copy_to_guest(handle_address(op.buffer) + done, chunk, n))
            return Error::fault;
        done += n;
    }
    if (op.clear)
        cleared_to = index;
    op.count = done;
    op.index = index;
    return {};
}

Result<> debug_keys(xen_sysctl_debug_keys const &op)
{
    constexpr std::uint32_t most = 64;
    if (op.nr_keys > most)
        return Error::inval;
    for (std::uint32_t i = 0; i < op.nr_keys; ++i) {
        char key;
        if (!read_guest(key, handle_address(op.keys) + i))
            return Error::fault;
        debug_key(key);
    }
    return {};
}

Result<> run(xen_sysctl &op)
{
    switch (op.cmd) {
    case XEN_SYSCTL_perfc_op: return perfc(op.u.perfc_op);
    case XEN_SYSCTL_readconsole: return read_console(op.u.readconsole);
    case XEN_SYSCTL_debug_keys: return debug_keys(op.u.debug_keys);
    default: return machine_question(op);
    }
}

}  // namespace

std::int32_t do_sysctl(std::uint32_t argument)
{
    if (!current_domain().privileged)
        return -static_cast<std::int32_t>(Error::perm);
    xen_sysctl op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -static_cast<std::int32_t>(Error::acces);
    Result<> r = run(op);
    if (r.ok() && !write_guest(argument, op))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(r);
}

}  // namespace hv
