// SPDX-License-Identifier: MIT
// Event channels, two-level: event_channel_op(EVTCHNOP_*, argument). 0 or a negated error:
// -EINVAL port or processor unknown or in a wrong state, -ENOSPC no port left, -EPERM, -ESRCH
// domain unknown, -EEXIST that virtual interrupt is bound already.
#ifndef PV_EVENT_CHANNEL_H
#define PV_EVENT_CHANNEL_H

#include "abi.h"

#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq        1
#define EVTCHNOP_bind_pirq        2
#define EVTCHNOP_close            3
#define EVTCHNOP_send             4
#define EVTCHNOP_status           5
#define EVTCHNOP_alloc_unbound    6
#define EVTCHNOP_bind_ipi         7
#define EVTCHNOP_bind_vcpu        8
#define EVTCHNOP_unmask           9
#define EVTCHNOP_reset            10
#define EVTCHNOP_init_control     11
#define EVTCHNOP_expand_array     12
#define EVTCHNOP_set_priority     13

// 32 words of 32 ports each; port 0 is never given out.
#define EVTCHN_2L_NR_CHANNELS 1024

// evtchn_bind_pirq.flags
#define BIND_PIRQ__WILL_SHARE 1

// evtchn_status.status
#define EVTCHNSTAT_closed      0
#define EVTCHNSTAT_unbound     1
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq        3
#define EVTCHNSTAT_virq        4
#define EVTCHNSTAT_ipi         5

#ifndef PV_ASSEMBLY

// A port of `dom` (DOMID_SELF, or any for the control domain) that `remote_dom` may bind. Gives
// port.
struct evtchn_alloc_unbound {
    domid_t dom, remote_dom;
    evtchn_port_t port;
};
PV_STRUCT(evtchn_alloc_unbound, 8);

// Connects a new local port to a port that waits for the caller. Gives local_port.
struct evtchn_bind_interdomain {
    domid_t remote_dom;
    evtchn_port_t remote_port;
    evtchn_port_t local_port;
};
PV_STRUCT(evtchn_bind_interdomain, 12);

// Gives the port on which VIRQ_* arrives at that virtual processor.
struct evtchn_bind_virq {
    uint32_t virq;
    uint32_t vcpu;
    evtchn_port_t port;
};
PV_STRUCT(evtchn_bind_virq, 12);

// The same for a hardware interrupt the domain may use.
struct evtchn_bind_pirq {
    uint32_t pirq;
    uint32_t flags;  // BIND_PIRQ__*
    evtchn_port_t port;
};
PV_STRUCT(evtchn_bind_pirq, 12);

// A port by which the domain signals one of its own processors.
struct evtchn_bind_ipi {
    uint32_t vcpu;
    evtchn_port_t port;
};
PV_STRUCT(evtchn_bind_ipi, 8);

// Frees a port; the peer of an interdomain channel becomes unbound.
struct evtchn_close {
    evtchn_port_t port;
};
PV_STRUCT(evtchn_close, 4);

struct evtchn_send {
    evtchn_port_t port;
};
PV_STRUCT(evtchn_send, 4);

// What a port is; the union member is the one `status` names.
struct evtchn_status {
    domid_t dom;
    evtchn_port_t port;
    uint32_t status;  // EVTCHNSTAT_*
    uint32_t vcpu;
    union {
        struct {
            domid_t dom;
        } unbound;
        struct {
            domid_t dom;
            evtchn_port_t port;
        } interdomain;
        uint32_t pirq;
        uint32_t virq;
    } u;
};
PV_STRUCT(evtchn_status, 24);
PV_OFFSET(evtchn_status, u, 16);

// Moves a port's delivery to another virtual processor.
struct evtchn_bind_vcpu {
    evtchn_port_t port;
    uint32_t vcpu;
};
PV_STRUCT(evtchn_bind_vcpu, 8);

// Clears the mask bit and delivers what was pending meanwhile.
struct evtchn_unmask {
    evtchn_port_t port;
};
PV_STRUCT(evtchn_unmask, 4);

// Closes every port of a domain.
struct evtchn_reset {
    domid_t dom;
};
PV_STRUCT(evtchn_reset, 2);

// The FIFO interface: a hypervisor without it answers -ENOSYS.
struct evtchn_init_control {
    uint64_t control_gfn;
    uint32_t offset;
    uint32_t vcpu;
    uint8_t link_bits;
    uint8_t _pad[7];
};
PV_STRUCT(evtchn_init_control, 24);

struct evtchn_expand_array {
    uint64_t array_gfn;
};
PV_STRUCT(evtchn_expand_array, 8);

struct evtchn_set_priority {
    evtchn_port_t port;
    uint32_t priority;
};
PV_STRUCT(evtchn_set_priority, 8);

// The argument of event_channel_op_compat, the older form of the same call.
struct evtchn_op {
    uint32_t cmd;
    union {
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_pirq bind_pirq;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_close close;
        struct evtchn_send send;
        struct evtchn_status status;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_unmask unmask;
    } u;
};
PV_STRUCT(evtchn_op, 28);

#endif  // PV_ASSEMBLY
#endif  // PV_EVENT_CHANNEL_H
