// SPDX-License-Identifier: MIT
// sched_op(SCHEDOP_*, argument): giving up the processor, and ending.
#ifndef PV_SCHED_H
#define PV_SCHED_H

#include "abi.h"

#define SCHEDOP_yield           0  // no argument
#define SCHEDOP_block           1  // no argument; unmasks events, returns when one is pending
#define SCHEDOP_shutdown        2  // sched_shutdown; does not return but after a resume
#define SCHEDOP_poll            3  // sched_poll
#define SCHEDOP_remote_shutdown 4  // sched_remote_shutdown
#define SCHEDOP_shutdown_code   5  // sched_shutdown; only notes the reason
#define SCHEDOP_watchdog        6  // sched_watchdog; id of a new one
#define SCHEDOP_pin_override    7  // sched_pin_override

#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

#ifndef PV_ASSEMBLY

struct sched_shutdown {
    uint32_t reason;  // SHUTDOWN_*
};
PV_STRUCT(sched_shutdown, 4);

// Sleeps until one of up to 128 ports is pending, masked or not, or until system time `timeout`
// (nanoseconds, 0 = never).
struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports;
    uint32_t nr_ports;
    uint64_t timeout;
};
PV_STRUCT(sched_poll, 16);
PV_OFFSET(sched_poll, timeout, 8);

struct sched_remote_shutdown {
    domid_t domain_id;
    uint32_t reason;  // SHUTDOWN_*
};
PV_STRUCT(sched_remote_shutdown, 8);

// id 0 arms a new watchdog; timeout in seconds, 0 disarms.
struct sched_watchdog {
    uint32_t id;
    uint32_t timeout;
};
PV_STRUCT(sched_watchdog, 8);

// The caller's virtual processor to that physical one; negative = undo.
struct sched_pin_override {
    int32_t pcpu;
};
PV_STRUCT(sched_pin_override, 4);

#endif  // PV_ASSEMBLY
#endif  // PV_SCHED_H
