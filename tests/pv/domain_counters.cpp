// SPDX-License-Identifier: MIT
// A domain may ask for its own counters and nothing else of sysctl: they count what it does, not what others do, and what concerns the whole
// machine is for domain 0 alone.
#include "domu.hpp"
#include <cstring>

char const title[] = "a domain's own counters";

namespace {

using namespace domu;

constexpr unsigned most = 128;

struct Counters {
    unsigned count = 0;
    xen_sysctl_perfc_desc names[most];
    xen_sysctl_perfc_val_t values[most];

    std::int32_t ask(std::uint32_t command)
    {
        xen_sysctl op{};
        op.u.perfc_op.cmd = command;
        set_xen_guest_handle_64(op.u.perfc_op.desc, names);
        set_xen_guest_handle_64(op.u.perfc_op.val, values);
        auto result = sysctl(XEN_SYSCTL_perfc_op, op);
        count = op.u.perfc_op.nr_counters;
        return result;
    }
    unsigned of(char const *name) const
    {
        for (unsigned i = 0; i < count && i < most; ++i)
            if (!std::strcmp(names[i].name, name))
                return values[i];
        return ~0u;
    }
};
Counters counters;

void ask_as_a_guest()
{
    check(0, "its counters", counters.ask(XEN_SYSCTL_PERFCOP_query));
    mailbox.word[0] = counters.count;
    auto before = counters.of("hypercall sched_op");
    for (unsigned i = 0; i < 100; ++i)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
    check(0, "again", counters.ask(XEN_SYSCTL_PERFCOP_query));
    check(100, "calls of its own", counters.of("hypercall sched_op") - before);
    check(0, "reset", counters.ask(XEN_SYSCTL_PERFCOP_reset));
    check(0, "once more", counters.ask(XEN_SYSCTL_PERFCOP_query));
    check(0, "from the beginning", counters.of("hypercall sched_op"));
    check(~0u, "nothing of the machine", counters.of("hypervisor heap bytes"));

    xen_sysctl op{};
    check(-XEN_EPERM, "facts about the machine", sysctl(XEN_SYSCTL_physinfo, op));
    check(-XEN_EPERM, "the hypervisor's log", sysctl(XEN_SYSCTL_readconsole, op));
    op.u.perfc_op.cmd = XEN_SYSCTL_PERFCOP_query;
    set_xen_guest_handle_64(op.u.perfc_op.desc, counters.names);
    op.u.perfc_op.val.q = 0xfe000000;
    check(-XEN_EFAULT, "values into the hypervisor", sysctl(XEN_SYSCTL_perfc_op, op));
    op.u.perfc_op.cmd = 7;
    check(-XEN_EINVAL, "no such command", sysctl(XEN_SYSCTL_perfc_op, op));
    success();
}

}  // namespace

void test_main()
{
    give_memory_back();
    check(0, "domain 0's counters", counters.ask(XEN_SYSCTL_PERFCOP_query));
    unsigned const ours = counters.count, calls = counters.of("hypercall domctl");
    check_true(counters.of("hypervisor heap bytes") != ~0u, "with what concerns the machine");
    Child c;
    build_and_start(c, ask_as_a_guest);
    wait_end(c);
    check_true(c.box->word[0] != 0 && c.box->word[0] < ours, "a domain has fewer of them");
    collect(c);
    destroy(c);
    check(0, "domain 0's, again", counters.ask(XEN_SYSCTL_PERFCOP_query));
    check_true(counters.of("hypercall domctl") > calls, "nobody reset them");
    success();
}
