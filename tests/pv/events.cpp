// SPDX-License-Identifier: MIT
// Event channels: every way to make a port, both ends of a channel, delivery and masking, and the limits: 1024 ports for a
// 32-bit guest, no more (more would lie outside shared_info). Ports that are not the caller's, numbers out of range and
// pointers into the hypervisor are errors and change nothing.
#include "guest.hpp"

char const title[] = "event channels";

namespace {

unsigned upcalls;

bool pending(unsigned port) { return shared.evtchn_pending[port / 32] >> (port % 32) & 1; }

void clear(unsigned port)
{
    shared.vcpu_info[0].evtchn_upcall_pending = 0;
    shared.vcpu_info[0].evtchn_pending_sel = 0;
    shared.evtchn_pending[port / 32] &= ~(1u << port % 32);
}

template <class Op>
std::int32_t event_op(unsigned cmd, Op &op)
{
    return hypercall(__HYPERVISOR_event_channel_op, cmd, &op);
}

std::int32_t send(unsigned port)
{
    evtchn_send op{port};
    return event_op(EVTCHNOP_send, op);
}

std::int32_t close(unsigned port)
{
    evtchn_close op{port};
    return event_op(EVTCHNOP_close, op);
}

unsigned status_of(unsigned port)
{
    evtchn_status op{};
    op.dom = DOMID_SELF;
    op.port = port;
    check(0, "status", event_op(EVTCHNOP_status, op));
    return op.status;
}

unsigned alloc_unbound()
{
    evtchn_alloc_unbound op{DOMID_SELF, DOMID_SELF, 0};
    check(0, "alloc_unbound", event_op(EVTCHNOP_alloc_unbound, op));
    return op.port;
}

void channel_to_self()
{
    unsigned a = alloc_unbound();
    check_true(a != 0 && a < 1024, "a port number");
    check(EVTCHNSTAT_unbound, "its status", status_of(a));
    check(0, "sending where nobody listens", send(a));
    evtchn_bind_interdomain bind{DOMID_SELF, a, 0};
    check(0, "bind_interdomain", event_op(EVTCHNOP_bind_interdomain, bind));
    unsigned b = bind.local_port;
    check_true(b != a && b != 0, "another port");
    check(EVTCHNSTAT_interdomain, "status of one end", status_of(a));
    check(EVTCHNSTAT_interdomain, "status of the other", status_of(b));
    check_true(pending(b), "a fresh channel is pending");
    clear(b);
    check(0, "send", send(a));
    check_true(pending(b) && !pending(a), "the other end is pending");
    check(1, "upcall pending", shared.vcpu_info[0].evtchn_upcall_pending);
    check_true(shared.vcpu_info[0].evtchn_pending_sel >> (b / 32) & 1, "the selector bit");
    clear(b);
    check(-22, "binding a port twice", event_op(EVTCHNOP_bind_interdomain, bind));
    check(0, "close", close(b));
    check(EVTCHNSTAT_unbound, "the peer of a closed port waits again", status_of(a));
    check(0, "bind it again", event_op(EVTCHNOP_bind_interdomain, bind));
    clear(bind.local_port);
    check(0, "close one", close(a));
    check(0, "close the other", close(bind.local_port));
    check(-22, "close it twice", close(a));
}

void delivery()
{
    evtchn_bind_ipi ipi{0, 0};
    check(0, "bind_ipi", event_op(EVTCHNOP_bind_ipi, ipi));
    check(EVTCHNSTAT_ipi, "its status", status_of(ipi.port));
    on_trap = [](TrapFrame &f) {
        if (f.vector != 0x100)
            return false;
        ++upcalls;
        check(1, "events are masked in the handler", event_mask());
        check(0, "they were not before", f.mask());
        check(1, "IF in the frame", f.eflags >> 9 & 1);
        shared.vcpu_info[0].evtchn_upcall_pending = 0;
        return true;
    };
    event_mask() = 0;
    check(0, "send", send(ipi.port));
    check(1, "upcalls", upcalls);
    check(0, "events are unmasked again", event_mask());
    clear(ipi.port);
    event_mask() = 1;
    send(ipi.port);
    check(1, "no upcall while masked", upcalls);
    check(1, "but pending", shared.vcpu_info[0].evtchn_upcall_pending);
    clear(ipi.port);
    shared.evtchn_mask[ipi.port / 32] |= 1u << ipi.port % 32;
    send(ipi.port);
    check(0, "a masked port does not set the upcall", shared.vcpu_info[0].evtchn_upcall_pending);
    check_true(pending(ipi.port), "but its own bit");
    evtchn_unmask unmask{ipi.port};
    check(0, "unmask", event_op(EVTCHNOP_unmask, unmask));
    check(1, "delivers what came meanwhile", shared.vcpu_info[0].evtchn_upcall_pending);
    check_true(!(shared.evtchn_mask[ipi.port / 32] >> ipi.port % 32 & 1), "the mask bit is gone");
    event_mask() = 0;
    hypercall(__HYPERVISOR_xen_version, XENVER_version);
    check(2, "upcall after unmasking, at the next entry", upcalls);
    event_mask() = 1;
    clear(ipi.port);
    on_trap = nullptr;
    close(ipi.port);
}

void virqs()
{
    evtchn_bind_virq op{VIRQ_TIMER, 0, 0};
    check(0, "bind_virq", event_op(EVTCHNOP_bind_virq, op));
    check(EVTCHNSTAT_virq, "its status", status_of(op.port));
    unsigned first = op.port;
    check(-17, "bind it twice", event_op(EVTCHNOP_bind_virq, op));
    check(-22, "send on it", send(first));
    op.virq = NR_VIRQS;
    check(-22, "a virq that does not exist", event_op(EVTCHNOP_bind_virq, op));
    op.virq = 0x80000000;
    check(-22, "a negative virq", event_op(EVTCHNOP_bind_virq, op));
    op = {VIRQ_DEBUG, 7, 0};
    check(-2, "a vcpu that does not exist", event_op(EVTCHNOP_bind_virq, op));
    op = {VIRQ_CONSOLE, 1, 0};
    check(-22, "a global virq elsewhere than vcpu 0", event_op(EVTCHNOP_bind_virq, op));
    check(0, "close", close(first));
    op = {VIRQ_TIMER, 0, 0};
    check(0, "bind it after closing", event_op(EVTCHNOP_bind_virq, op));
    close(op.port);
    evtchn_bind_ipi ipi{32, 0};
    check(-2, "ipi of a vcpu that does not exist", event_op(EVTCHNOP_bind_ipi, ipi));
}

void limits()
{
    unsigned made = 0;
    evtchn_alloc_unbound op{DOMID_SELF, DOMID_SELF, 0};
    std::int32_t r;
    while ((r = event_op(EVTCHNOP_alloc_unbound, op)) == 0) {
        ++made;
        if (op.port >= 1024 || made > 1024)
            return failure("port %u given out", op.port);
    }
    check(-28, "the end of the ports", r);
    check(1023, "ports in all", made);
    evtchn_reset reset{DOMID_SELF};
    check(0, "reset", event_op(EVTCHNOP_reset, reset));
    check(EVTCHNSTAT_closed, "a port after reset", status_of(5));
    for (unsigned port : {0u, 1024u, 4096u, 0x7fffffffu, 0xffffffffu}) {
        check(-22, "send out of range", send(port));
        check(-22, "close out of range", close(port));
        evtchn_unmask unmask{port};
        check(-22, "unmask out of range", event_op(EVTCHNOP_unmask, unmask));
        evtchn_bind_vcpu bind{port, 0};
        check(-22, "bind_vcpu out of range", event_op(EVTCHNOP_bind_vcpu, bind));
        evtchn_bind_interdomain inter{DOMID_SELF, port, 0};
        check(-22, "bind_interdomain out of range", event_op(EVTCHNOP_bind_interdomain, inter));
    }
    evtchn_status status{};
    status.dom = DOMID_SELF;
    status.port = 1024;
    check(-22, "status out of range", event_op(EVTCHNOP_status, status));
}

void hostile()
{
    evtchn_bind_interdomain op{99, 1, 0};
    check(-3, "a domain that does not exist", event_op(EVTCHNOP_bind_interdomain, op));
    evtchn_alloc_unbound unbound{DOMID_SELF, 99, 0};
    check(0, "a port for a domain that may come", event_op(EVTCHNOP_alloc_unbound, unbound));
    op = {DOMID_SELF, unbound.port, 0};
    check(-22, "a port that waits for another domain", event_op(EVTCHNOP_bind_interdomain, op));
    close(unbound.port);
    for (unsigned cmd = 0; cmd <= EVTCHNOP_reset; ++cmd) {
        std::int32_t r = hypercall(__HYPERVISOR_event_channel_op, cmd, 0xfe000000);
        check(-14, "an argument in the hypervisor", r);
    }
    check(-38, "FIFO: init_control", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, &op));
    check(-38, "unknown command", hypercall(__HYPERVISOR_event_channel_op, 99, &op));
    evtchn_op old{};
    old.cmd = EVTCHNOP_bind_ipi;
    check(0, "the older form", hypercall(__HYPERVISOR_event_channel_op_compat, &old));
    check(0, "close what it made", close(old.u.bind_ipi.port));
    check(-14, "the older form at the end of the world", hypercall(__HYPERVISOR_event_channel_op_compat, 0xfffffffe));
}

}  // namespace

void test_main()
{
    channel_to_self();
    delivery();
    virqs();
    limits();
    hostile();
    success();
}
