// SPDX-License-Identifier: MIT
// platform_op(struct xen_platform_op *): domain 0 speaks for the machine. Only the wall clock.
#ifndef PV_PLATFORM_H
#define PV_PLATFORM_H

#include "abi.h"

#define XENPF_INTERFACE_VERSION 0x03000001
#define XENPF_settime32         17
#define XENPF_settime64         62
#define XENPF_settime           XENPF_settime64

#ifndef PV_ASSEMBLY

// At system time system_time (nanoseconds) it was secs.nsecs since 1970-01-01 UTC.
struct xenpf_settime32 {
    uint32_t secs;
    uint32_t nsecs;
    uint64_t system_time;
};
PV_STRUCT(xenpf_settime32, 16);

struct xenpf_settime64 {
    uint64_t secs;
    uint32_t nsecs;
    uint32_t mbz;
    uint64_t system_time;
};
PV_STRUCT(xenpf_settime64, 24);

struct xen_platform_op {
    uint32_t cmd;                // XENPF_*
    uint32_t interface_version;  // XENPF_INTERFACE_VERSION
    union {
        struct xenpf_settime32 settime32;
        struct xenpf_settime64 settime64;
        uint8_t pad[128];
    } u;
};
PV_STRUCT(xen_platform_op, 136);

#endif  // PV_ASSEMBLY
#endif  // PV_PLATFORM_H
