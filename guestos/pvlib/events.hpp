// SPDX-License-Identifier: MIT
// Event channels as a guest uses them. A Port is what the hypervisor counts from 1.
#pragma once
#include <pvlib/hypercall.hpp>

namespace pv {
using Port = evtchn_port_t;

inline Result<Port> bind_virq(Word virq, unsigned vcpu = 0)
{
    evtchn_bind_virq op{virq, vcpu, 0};
    TRY(event_channel_op(EVTCHNOP_bind_virq, &op));
    return op.port;
}
inline Result<Port> bind_pirq(Word pirq, Word flags)
{
    evtchn_bind_pirq op{pirq, flags, 0};
    TRY(event_channel_op(EVTCHNOP_bind_pirq, &op));
    return op.port;
}
inline Result<Port> bind_ipi(unsigned vcpu)
{
    evtchn_bind_ipi op{vcpu, 0};
    TRY(event_channel_op(EVTCHNOP_bind_ipi, &op));
    return op.port;
}
inline Result<Port> alloc_unbound(domid_t remote)
{
    evtchn_alloc_unbound op{DOMID_SELF, remote, 0};
    TRY(event_channel_op(EVTCHNOP_alloc_unbound, &op));
    return op.port;
}
inline Result<Port> bind_interdomain(domid_t remote, Port remote_port)
{
    evtchn_bind_interdomain op{remote, remote_port, 0};
    TRY(event_channel_op(EVTCHNOP_bind_interdomain, &op));
    return op.local_port;
}
inline Result<> notify(Port port)
{
    evtchn_send op{port};
    return event_channel_op(EVTCHNOP_send, &op);
}
inline Result<> close(Port port)
{
    evtchn_close op{port};
    return event_channel_op(EVTCHNOP_close, &op);
}
}  // namespace pv
