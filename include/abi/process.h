// SPDX-License-Identifier: MIT
// Structures of process-related calls of the Linux i386 ABI. Source: Linux uapi linux/resource.h, linux/sysinfo.h,
// linux/utsname.h, linux/sched.h, linux/sched/types.h, linux/capability.h, asm/ldt.h, linux/futex.h.
#pragma once
#include <stdint.h>

struct abi_rusage {
    int32_t ru_utime[2], ru_stime[2];  // seconds, microseconds
    int32_t ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock;
    int32_t ru_msgsnd, ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};
struct abi_rlimit32 {
    uint32_t rlim_cur, rlim_max;
};
struct abi_rlimit64 {
    uint64_t rlim_cur, rlim_max;
};

struct abi_sysinfo {
    int32_t uptime;
    uint32_t loads[3];
    uint32_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t totalhigh, freehigh, mem_unit;
    uint8_t reserved[8];
};
struct abi_old_utsname {
    char sysname[9], nodename[9], release[9], version[9], machine[9];
};
struct abi_utsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65];
};
struct abi_new_utsname {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

struct abi_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;  // versions 1 and 2
};
struct abi_user_desc {
    uint32_t entry_number, base_addr, limit;
    uint32_t seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1, seg_not_present : 1, useable : 1;
};
struct abi_robust_list_head {
    uint32_t next, futex_offset, list_op_pending;
};
struct abi_sched_param {
    int32_t sched_priority;
};
struct abi_sched_attr {
    uint32_t size, sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime, sched_deadline, sched_period;
    uint32_t sched_util_min, sched_util_max;
} __attribute__((packed, aligned(4)));
struct abi_cap_header {
    uint32_t version;
    int32_t pid;
};
struct abi_cap_data {
    uint32_t effective, permitted, inheritable;
};

static_assert(sizeof(struct abi_rusage) == 72 && sizeof(struct abi_sysinfo) == 64);
static_assert(sizeof(struct abi_utsname) == 325 && sizeof(struct abi_new_utsname) == 390
              && sizeof(struct abi_old_utsname) == 45);
static_assert(sizeof(struct abi_clone_args) == 88 && sizeof(struct abi_user_desc) == 16
              && sizeof(struct abi_sched_attr) == 56);
