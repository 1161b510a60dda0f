// SPDX-License-Identifier: MIT
// vcpu_op(VCPUOP_*, vcpu, argument). -ENOENT: no such virtual processor. All times in nanoseconds.
#ifndef PV_VCPU_H
#define PV_VCPU_H

#include "xen.h"

#define VCPUOP_initialise                     0  // vcpu_guest_context; -EEXIST if done before
#define VCPUOP_up                             1
#define VCPUOP_down                           2
#define VCPUOP_is_up                          3  // 1 or 0
#define VCPUOP_get_runstate_info              4
#define VCPUOP_register_runstate_memory_area  5
#define VCPUOP_set_periodic_timer             6
#define VCPUOP_stop_periodic_timer            7
#define VCPUOP_set_singleshot_timer           8  // -ETIME: in the past, and _future was asked for
#define VCPUOP_stop_singleshot_timer          9
#define VCPUOP_register_vcpu_info             10
#define VCPUOP_send_nmi                       11
#define VCPUOP_get_physid                     12
#define VCPUOP_register_vcpu_time_memory_area 13

// vcpu_runstate_info.state, and the index of time[].
#define RUNSTATE_running  0  // has a physical processor
#define RUNSTATE_runnable 1  // would run, but another does
#define RUNSTATE_blocked  2  // waits for an event
#define RUNSTATE_offline  3  // neither runnable nor blocked: down, paused

// In state_entry_time, while the area is being written (VMASST_TYPE_runstate_update_flag).
#define XEN_RUNSTATE_UPDATE 0x8000000000000000

// vcpu_set_singleshot_timer.flags
#define _VCPU_SSHOTTMR_future 0
#define VCPU_SSHOTTMR_future  (1 << _VCPU_SSHOTTMR_future)

#ifndef PV_ASSEMBLY

// Where a virtual processor's time went. The sum of time[] is the time since it came into being.
struct vcpu_runstate_info {
    int32_t state;  // RUNSTATE_*
    uint64_t state_entry_time;
    uint64_t time[4];
};
PV_STRUCT(vcpu_runstate_info, 44);
PV_OFFSET(vcpu_runstate_info, time, 12);

// The hypervisor keeps the structure at virtual address `v` up to date from now on.
struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(struct vcpu_runstate_info) h;
        struct vcpu_runstate_info *v;
        uint64_t p;
    } addr;
};
PV_STRUCT(vcpu_register_runstate_memory_area, 8);

// Period at least 1 ms.
struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};
PV_STRUCT(vcpu_set_periodic_timer, 8);

struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns;  // system time
    uint32_t flags;           // VCPU_SSHOTTMR_*
};
PV_STRUCT(vcpu_set_singleshot_timer, 12);

// Moves vcpu_info out of shared_info, once and for good, to `offset` in frame `mfn`; it may not
// cross the frame's end.
struct vcpu_register_vcpu_info {
    uint64_t mfn;
    uint32_t offset;
    uint32_t rsvd;
};
PV_STRUCT(vcpu_register_vcpu_info, 16);

// Local APIC id in the low half, ACPI id in the high half.
struct vcpu_get_physid {
    uint64_t phys_id;
};
PV_STRUCT(vcpu_get_physid, 8);

struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(struct vcpu_time_info) h;
        struct vcpu_time_info *v;
        uint64_t p;
    } addr;
};
PV_STRUCT(vcpu_register_time_memory_area, 8);

#endif  // PV_ASSEMBLY
#endif  // PV_VCPU_H
