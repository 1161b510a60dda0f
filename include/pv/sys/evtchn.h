// SPDX-License-Identifier: MIT
// /dev/xen/evtchn: event channels for a program. The bind calls give the port; read gives ports (32
// bits each) that have fired, and masks them; write unmasks those written.
#ifndef PV_SYS_EVTCHN_H
#define PV_SYS_EVTCHN_H

#include "../abi.h"
#include "ioctl.h"

#define IOCTL_EVTCHN_BIND_VIRQ         PV_IOCTL('E', 0, 4)
#define IOCTL_EVTCHN_BIND_INTERDOMAIN  PV_IOCTL('E', 1, 8)
#define IOCTL_EVTCHN_BIND_UNBOUND_PORT PV_IOCTL('E', 2, 4)
#define IOCTL_EVTCHN_UNBIND            PV_IOCTL('E', 3, 4)
#define IOCTL_EVTCHN_NOTIFY            PV_IOCTL('E', 4, 4)
#define IOCTL_EVTCHN_RESET             PV_IOCTL('E', 5, 0)
#define IOCTL_EVTCHN_RESTRICT_DOMID    PV_IOCTL('E', 6, 2)

#ifndef PV_ASSEMBLY

struct ioctl_evtchn_bind_virq {
    uint32_t virq;
};
PV_STRUCT(ioctl_evtchn_bind_virq, 4);

struct ioctl_evtchn_bind_interdomain {
    uint32_t remote_domain, remote_port;
};
PV_STRUCT(ioctl_evtchn_bind_interdomain, 8);

struct ioctl_evtchn_bind_unbound_port {
    uint32_t remote_domain;
};
PV_STRUCT(ioctl_evtchn_bind_unbound_port, 4);

struct ioctl_evtchn_unbind {
    uint32_t port;
};
PV_STRUCT(ioctl_evtchn_unbind, 4);

struct ioctl_evtchn_notify {
    uint32_t port;
};
PV_STRUCT(ioctl_evtchn_notify, 4);

struct ioctl_evtchn_restrict_domid {
    domid_t domid;
};
PV_STRUCT(ioctl_evtchn_restrict_domid, 2);

#endif  // PV_ASSEMBLY
#endif  // PV_SYS_EVTCHN_H
