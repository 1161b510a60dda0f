// SPDX-License-Identifier: MIT
// event_channel_op: making, joining, asking about and closing ports.
//
// A port changes state in one step, after everything about it was checked; closing one end of a channel makes the other
// unbound, so that a port once given out stays its holder's until the holder closes it.
#include <hv/event.hpp>
#include <hv/guest_copy.hpp>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/pirq.hpp>
#include <pv/event_channel.h>

namespace hv {
namespace {

// Ports change only under this lock: a reset cannot run beside a send, bind or close.
Lock port_lock;

Result<Domain *> resolve(domid_t id)
{
    if (id == DOMID_SELF)
        return &current_domain();
    Domain *d = find_domain(id);
    if (!d || d->dying)
        return Error::srch;
    return d;
}

// DOMID_SELF, the caller's own id, or anybody for the control domain.
Result<Domain *> resolve_as_owner(domid_t id)
{
    Domain &self = current_domain();
    if (id != DOMID_SELF && id != self.id && !self.privileged)
        return Error::perm;
    return resolve(id);
}

void clear_pending(Domain &d, unsigned port)
{
    __atomic_fetch_and(&d.shared->evtchn_pending[port / 32], ~(1u << port % 32), __ATOMIC_SEQ_CST);
}

Result<> alloc_unbound(evtchn_alloc_unbound &op)
{
    Domain &d = *TRY(resolve_as_owner(op.dom));
    DomainId remote = op.remote_dom == DOMID_SELF ? current_domain().id : op.remote_dom;
    op.port = TRY(find_free_port(d));
    open_port(d, op.port, {PortState::unbound, 0, 0, remote, 0});
    return {};
}

Result<> bind_interdomain(evtchn_bind_interdomain &op)
{
    Domain &self = current_domain();
    Domain &remote = *TRY(resolve(op.remote_dom));
    EventPort &theirs = *TRY(used_port(remote, op.remote_port));
    if (theirs.state != PortState::unbound || theirs.remote_domain != self.id)
        return Error::inval;
    unsigned local = TRY(find_free_port(self));
    open_port(self, local, {PortState::interdomain, 0, 0, remote.id, static_cast<std::uint16_t>(op.remote_port)});
    theirs = {PortState::interdomain, 0, theirs.vcpu, self.id, static_cast<std::uint16_t>(local)};
    op.local_port = local;
    set_pending(self, local);  // an event may have been sent before there was anybody to hear it
    return {};
}

Result<> bind_virq(evtchn_bind_virq &op)
{
    Domain &d = current_domain();
    if (op.virq >= NR_VIRQS)
        return Error::inval;
    bool global = is_global_virq(op.virq);
    if (global && op.vcpu != 0)
        return Error::inval;
    if (op.vcpu >= d.vcpu_count || !d.vcpus[op.vcpu])
        return Error::noent;
    std::uint16_t &slot = d.vcpus[op.vcpu]->virq_to_port[op.virq];
    if (slot)
        return Error::exist;
    op.port = TRY(find_free_port(d));
    open_port(d, op.port,
              {PortState::virq, static_cast<std::uint8_t>(op.virq), static_cast<std::uint16_t>(op.vcpu), 0, 0});
    slot = static_cast<std::uint16_t>(op.port);
    return {};
}

Result<> bind_ipi(evtchn_bind_ipi &op)
{
    Domain &d = current_domain();
    if (op.vcpu >= d.vcpu_count || !d.vcpus[op.vcpu])
        return Error::noent;
    op.port = TRY(find_free_port(d));
    open_port(d, op.port, {PortState::ipi, 0, static_cast<std::uint16_t>(op.vcpu), 0, 0});
    return {};
}

// BIND_PIRQ__WILL_SHARE makes no difference: a line has one owner.
Result<> bind_physical(evtchn_bind_pirq &op)
{
    Domain &d = current_domain();
    if (!d.privileged)
        return Error::perm;
    if (op.flags & ~BIND_PIRQ__WILL_SHARE)
        return Error::inval;
    unsigned port = TRY(find_free_port(d));
    TRY(bind_pirq(d, op.pirq, port));
    open_port(d, port, {PortState::pirq, static_cast<std::uint8_t>(op.pirq), 0, 0, 0});
    op.port = port;
    return {};
}

Result<> close(evtchn_close const &op) { return close_port(current_domain(), op.port); }

Result<> send(evtchn_send const &op) { return send_event(current_domain(), op.port); }

Result<> status(evtchn_status &op)
{
    Domain &d = *TRY(resolve_as_owner(op.dom));
    if (op.port >= max_event_ports)
        return Error::inval;
    EventPort const &p = port_of(d, op.port);
    evtchn_status out{};
    out.dom = op.dom;
    out.port = op.port;
    out.vcpu = p.vcpu;
    switch (p.state) {
    case PortState::free:
    case PortState::reserved: out.status = EVTCHNSTAT_closed; break;
    case PortState::unbound:
        out.status = EVTCHNSTAT_unbound;
        out.u.unbound.dom = p.remote_domain;
        break;
    case PortState::interdomain:
        out.status = EVTCHNSTAT_interdomain;
        out.u.interdomain.dom = p.remote_domain;
        out.u.interdomain.port = p.remote_port;
        break;
    case PortState::pirq:
        out.status = EVTCHNSTAT_pirq;
        out.u.pirq = p.virq_or_pirq;
        break;
    case PortState::virq:
        out.status = EVTCHNSTAT_virq;
        out.u.virq = p.virq_or_pirq;
        break;
    case PortState::ipi: out.status = EVTCHNSTAT_ipi; break;
    }
    op = out;
    return {};
}

Result<> bind_vcpu(evtchn_bind_vcpu const &op)
{
    Domain &d = current_domain();
    if (op.vcpu >= d.vcpu_count || !d.vcpus[op.vcpu])
        return Error::noent;
    EventPort &p = *TRY(used_port(d, op.port));
    switch (p.state) {
    case PortState::virq:
        if (!is_global_virq(p.virq_or_pirq))
            return Error::inval;
        break;
    case PortState::unbound:
    case PortState::interdomain:
    case PortState::pirq: break;
    default: return Error::inval;
    }
    p.vcpu = static_cast<std::uint16_t>(op.vcpu);
    return {};
}

Result<> unmask(evtchn_unmask const &op)
{
    Domain &d = current_domain();
    TRY(used_port(d, op.port));
    unsigned word = op.port / 32;
    std::uint32_t bit = 1u << op.port % 32;
    bool was_masked = __atomic_fetch_and(&d.shared->evtchn_mask[word], ~bit, __ATOMIC_SEQ_CST) & bit;
    Vcpu &v = *d.vcpus[port_of(d, op.port).vcpu];
    if (was_masked && d.shared->evtchn_pending[word] & bit && v.info) {
        __atomic_fetch_or(&v.info->evtchn_pending_sel, 1u << word, __ATOMIC_SEQ_CST);
        notify(v);
    }
    return {};
}

Result<> reset(evtchn_reset const &op)
{
    Domain &d = *TRY(resolve_as_owner(op.dom));
    close_all_ports(d);
    return {};
}

// Copies the argument in, runs the operation, and copies it out again if the operation fills something in.
template <class Op>
std::int32_t run(Result<> (*f)(Op &), std::uint32_t argument)
{
    Op op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    Result<> r = f(op);
    if (!r.ok())
        return to_errno(r);
    return write_guest(argument, op) ? 0 : -static_cast<std::int32_t>(Error::fault);
}
template <class Op>
std::int32_t run(Result<> (*f)(Op const &), std::uint32_t argument)
{
    Op op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(f(op));
}

}  // namespace

Result<unsigned> alloc_unbound_port(Domain &d, DomainId remote)
{
    unsigned port = TRY(find_free_port(d));
    open_port(d, port, {PortState::unbound, 0, 0, remote, 0});
    return port;
}

Result<> close_port(Domain &d, unsigned port)
{
    EventPort &p = *TRY(used_port(d, port));
    switch (p.state) {
    case PortState::interdomain:
        if (Domain *remote = find_domain(p.remote_domain)) {
            EventPort &peer = *used_port(*remote, p.remote_port).value();
            peer.state = PortState::unbound;
            peer.remote_domain = d.id;
            peer.remote_port = 0;
        }
        break;
    case PortState::virq:
        for (unsigned i = 0; i < d.vcpu_count; ++i)
            if (Vcpu *v = d.vcpus[i]; v && v->virq_to_port[p.virq_or_pirq] == port)
                v->virq_to_port[p.virq_or_pirq] = 0;
        break;
    case PortState::pirq: unbind_pirq(p.virq_or_pirq); break;
    case PortState::reserved: return Error::inval;
    default: break;
    }
    p = {};
    if (d.shared)
        clear_pending(d, port);
    return {};
}

// 1024 ports at most, a few instructions each: needs no restart.
void close_all_ports(Domain &d)
{
    for (unsigned port = 1; port < max_event_ports; ++port)
        static_cast<void>(close_port(d, port));
}

std::int32_t do_event_channel_op(std::uint32_t cmd, std::uint32_t argument)
{
    LockGuard guard{port_lock};
    switch (cmd) {
    case EVTCHNOP_alloc_unbound: return run(alloc_unbound, argument);
    case EVTCHNOP_bind_interdomain: return run(bind_interdomain, argument);
    case EVTCHNOP_bind_virq: return run(bind_virq, argument);
    case EVTCHNOP_bind_ipi: return run(bind_ipi, argument);
    case EVTCHNOP_bind_pirq: return run(bind_physical, argument);
    case EVTCHNOP_close: return run(close, argument);
    case EVTCHNOP_send: return run(send, argument);
    case EVTCHNOP_status: return run(status, argument);
    case EVTCHNOP_bind_vcpu: return run(bind_vcpu, argument);
    case EVTCHNOP_unmask: return run(unmask, argument);
    case EVTCHNOP_reset: return run(reset, argument);
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

// The older form: the command and its argument in one structure.
std::int32_t do_event_channel_op_compat(std::uint32_t op)
{
    std::uint32_t cmd;
    if (!read_guest(cmd, op))
        return -static_cast<std::int32_t>(Error::fault);
    bool old = cmd <= EVTCHNOP_unmask;
    if (!old || op + offsetof(evtchn_op, u) < op)
        return -static_cast<std::int32_t>(old ? Error::fault : Error::nosys);
    return do_event_channel_op(cmd, op + offsetof(evtchn_op, u));
}

}  // namespace hv
