// SPDX-License-Identifier: MIT
// Delivery of events, two-level:
//
//   vcpu_info.evtchn_upcall_pending <- vcpu_info.evtchn_pending_sel (32 words) <- shared_info.evtchn_pending (32 x 32 ports)
//                                                                               & ~shared_info.evtchn_mask
//
// All of it lies in pages that the guest writes: the hypervisor sets bits there and believes nothing of it. What a port is
// stands in Domain::ports.
#include <hv/cpu.hpp>
#include <hv/event.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>
#include <hv/time.hpp>

namespace hv {
namespace {

bool test_and_set(xen_ulong_t *words, unsigned bit)
{
    std::uint32_t mask = 1u << bit % 32;
    return __atomic_fetch_or(&words[bit / 32], mask, __ATOMIC_SEQ_CST) & mask;
}

bool test(xen_ulong_t const volatile *words, unsigned bit) { return words[bit / 32] >> (bit % 32) & 1; }

// Polls look at the pending bit whether or not the port is masked.
void wake_pollers(Domain &d, unsigned port)
{
    for (unsigned i = 0; i < d.vcpu_count; ++i) {
        Vcpu *v = d.vcpus[i];
        if (!v || !v->in_polling)
            continue;
        for (unsigned p = 0; p < v->poll_count; ++p)
            if (v->poll_ports[p] == port) {
                end_poll(*v);
                break;
            }
    }
}

void mark(Vcpu &v, unsigned word)
{
    if (!v.info)
        return;
    if (!test_and_set(&v.info->evtchn_pending_sel, word))
        notify(v);
}

}  // namespace

void notify(Vcpu &v)
{
    v.info->evtchn_upcall_pending = 1;
    // A blocked vCPU has unmasked its events (SCHEDOP_block), a polling one wakes for its ports only.
    if (v.blocked && !v.in_polling && !v.info->evtchn_upcall_mask)
        wake(v);
}

bool event_deliverable(Vcpu const &v) { return v.info && v.info->evtchn_upcall_pending && !v.info->evtchn_upcall_mask; }

void set_pending(Domain &d, unsigned port)
{
    if (d.dying || !d.shared)
        return;
    ++d.counters.events_sent;
    bool was = test_and_set(d.shared->evtchn_pending, port);
    if (!was && !test(d.shared->evtchn_mask, port))
        if (Vcpu *v = d.vcpus[port_of(d, port).vcpu])
            mark(*v, port / 32);
    wake_pollers(d, port);
}

bool any_pending(Domain const &d, std::uint16_t const *ports, unsigned count)
{
    for (unsigned i = 0; i < count; ++i)
        if (test(d.shared->evtchn_pending, ports[i]))
            return true;
    return false;
}

void end_poll(Vcpu &v)
{
    v.in_polling = false;
    v.poll_count = 0;
    v.poll_deadline_ns = 0;
    deadline_changed(v);
    wake(v);
}

bool is_global_virq(unsigned virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

void send_virq(Domain &d, unsigned vcpu, unsigned virq)
{
    Vcpu *v = d.vcpus[is_global_virq(virq) ? 0 : vcpu];
    if (!v || !v->virq_to_port[virq])
        return;
    set_pending(d, v->virq_to_port[virq]);
}

Result<> send_event(Domain &d, unsigned port)
{
    if (port >= max_event_ports)
        return Error::inval;
    EventPort const &p = port_of(d, port);
    switch (p.state) {
    case PortState::interdomain:
        if (Domain *remote = find_domain(p.remote_domain))
            set_pending(*remote, p.remote_port);
        return {};
    case PortState::ipi: set_pending(d, port); return {};
    case PortState::unbound: return {};  // nobody listens yet
    default: return Error::inval;
    }
}

}  // namespace hv
