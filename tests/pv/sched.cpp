// SPDX-License-Identifier: MIT
// Giving up the processor: yield comes back, block does not sleep when something is pending, poll wakes for its ports
// (masked or not) or at its time. Ending for a reason that is none, or ending others, is refused.
#include "guest.hpp"

char const title[] = "yield, block, poll, shutdown";

namespace {

template <class Op>
std::int32_t sched(unsigned cmd, Op &op)
{
    return hypercall(__HYPERVISOR_sched_op, cmd, &op);
}

void poll()
{
    evtchn_bind_ipi ipi{0, 0};
    check(0, "bind_ipi", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    shared.evtchn_mask[ipi.port / 32] |= 1u << ipi.port % 32;
    evtchn_port_t ports[2] = {ipi.port, 3};
    sched_poll op{ports, 1, now() + 20 * ms};
    std::uint64_t start = now();
    check(0, "poll", sched(SCHEDOP_poll, op));
    check_true(now() - start >= 20 * ms, "sleeps until its time");
    evtchn_send send{ipi.port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
    start = now();
    op.timeout = start + 1000 * ms;
    check(0, "poll of a pending port that is masked", sched(SCHEDOP_poll, op));
    check_true(now() - start < 500 * ms, "returns at once");
    op.timeout = 1;
    shared.evtchn_pending[ipi.port / 32] = 0;
    check(0, "poll with a time in the past", sched(SCHEDOP_poll, op));
    op.nr_ports = 129;
    check(-22, "too many ports", sched(SCHEDOP_poll, op));
    op.nr_ports = 1;
    ports[0] = 1024;
    check(-22, "a port out of range", sched(SCHEDOP_poll, op));
    ports[0] = 0xffffffff;
    check(-22, "a port far out of range", sched(SCHEDOP_poll, op));
    op.ports = reinterpret_cast<evtchn_port_t *>(0xfe000000);
    check(-14, "a list in the hypervisor", sched(SCHEDOP_poll, op));
    check(-14, "an argument in the hypervisor", hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, 0xfe000000));
}

void block()
{
    evtchn_bind_ipi ipi{0, 0};
    check(0, "bind_ipi", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    evtchn_send send{ipi.port};
    event_mask() = 1;
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
    static unsigned upcalls;
    on_trap = [](TrapFrame &f) {
        if (f.vector != 0x100)
            return false;
        shared.vcpu_info[0].evtchn_upcall_pending = 0;
        ++upcalls;
        return true;
    };
    check(0, "block with an event pending", hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0));
    check(1, "upcalls", upcalls);
    check(0, "events are unmasked after it", event_mask());
    event_mask() = 1;
    on_trap = nullptr;
}

void endings()
{
    sched_shutdown op{6};
    check(-22, "a reason that is none", sched(SCHEDOP_shutdown, op));
    check(-22, "a code that is none", sched(SCHEDOP_shutdown_code, op));
    check(-14, "a reason in the hypervisor", hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, 0xfe000000));
    sched_remote_shutdown remote{99, SHUTDOWN_poweroff};
    check(-3, "ending a domain that is not there", sched(SCHEDOP_remote_shutdown, remote));
    remote = {0, SHUTDOWN_poweroff};
    check(-3, "ending oneself from afar", sched(SCHEDOP_remote_shutdown, remote));
    check(-38, "an unknown command", hypercall(__HYPERVISOR_sched_op, 99, 0));
    check(-38, "an unknown command of the older form", hypercall(__HYPERVISOR_sched_op_compat, 99, 0));
    check(-22, "a reason that is none, older form", hypercall(__HYPERVISOR_sched_op_compat, SCHEDOP_shutdown, 99));
}

}  // namespace

void test_main()
{
    for (unsigned i = 0; i < 100; ++i)
        check(0, "yield", hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0));
    check(0, "yield, older form", hypercall(__HYPERVISOR_sched_op_compat, SCHEDOP_yield, 0));
    poll();
    block();
    endings();
    success();
}
