// SPDX-License-Identifier: MIT
// callback_op(CALLBACKOP_*, argument): where the hypervisor calls the guest kernel; and nmi_op.
#ifndef PV_CALLBACK_H
#define PV_CALLBACK_H

#include "xen.h"

#define CALLBACKOP_register   0
#define CALLBACKOP_unregister 1

#define CALLBACKTYPE_event               0
#define CALLBACKTYPE_failsafe            1
#define CALLBACKTYPE_syscall             2
#define CALLBACKTYPE_sysenter_deprecated 3
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5
#define CALLBACKTYPE_syscall32           7

#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events  (1 << _CALLBACKF_mask_events)

#define XENNMI_register_callback   0
#define XENNMI_unregister_callback 1

#ifndef PV_ASSEMBLY

struct callback_register {
    uint16_t type;   // CALLBACKTYPE_*
    uint16_t flags;  // CALLBACKF_*
    struct xen_callback address;
};
PV_STRUCT(callback_register, 12);

struct callback_unregister {
    uint16_t type;
    uint16_t _unused;
};
PV_STRUCT(callback_unregister, 4);

struct xennmi_callback {
    uint32_t handler_address;
    uint32_t pad;
};
PV_STRUCT(xennmi_callback, 8);

#endif  // PV_ASSEMBLY
#endif  // PV_CALLBACK_H
