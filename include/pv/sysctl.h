// SPDX-License-Identifier: MIT
// sysctl(struct xen_sysctl *): the control domain's questions about the whole machine. The subset
// that list, top, info and dmesg need; errors as in domctl.h.
#ifndef PV_SYSCTL_H
#define PV_SYSCTL_H

#include "domctl.h"
#include "physdev.h"

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015

// xen_sysctl.cmd
#define XEN_SYSCTL_readconsole            1
#define XEN_SYSCTL_tbuf_op                2
#define XEN_SYSCTL_physinfo               3
#define XEN_SYSCTL_sched_id               4
#define XEN_SYSCTL_perfc_op               5
#define XEN_SYSCTL_getdomaininfolist      6
#define XEN_SYSCTL_debug_keys             7
#define XEN_SYSCTL_getcpuinfo             8
#define XEN_SYSCTL_availheap              9
#define XEN_SYSCTL_get_pmstat             10
#define XEN_SYSCTL_cpu_hotplug            11
#define XEN_SYSCTL_pm_op                  12
#define XEN_SYSCTL_page_offline_op        14
#define XEN_SYSCTL_lockprof_op            15
#define XEN_SYSCTL_cputopoinfo            16
#define XEN_SYSCTL_numainfo               17
#define XEN_SYSCTL_cpupool_op             18
#define XEN_SYSCTL_scheduler_op           19
#define XEN_SYSCTL_coverage_op            20
#define XEN_SYSCTL_psr_cmt_op             21
#define XEN_SYSCTL_pcitopoinfo            22
#define XEN_SYSCTL_psr_alloc              23
#define XEN_SYSCTL_get_cpu_levelling_caps 25
#define XEN_SYSCTL_get_cpu_featureset     26
#define XEN_SYSCTL_livepatch_op           27
#define XEN_SYSCTL_get_cpu_policy         29

// xen_sysctl_physinfo.capabilities
#define _XEN_SYSCTL_PHYSCAP_hvm      0
#define XEN_SYSCTL_PHYSCAP_hvm       (1 << _XEN_SYSCTL_PHYSCAP_hvm)
#define _XEN_SYSCTL_PHYSCAP_pv       1
#define XEN_SYSCTL_PHYSCAP_pv        (1 << _XEN_SYSCTL_PHYSCAP_pv)
#define _XEN_SYSCTL_PHYSCAP_directio 2
#define XEN_SYSCTL_PHYSCAP_directio  (1 << _XEN_SYSCTL_PHYSCAP_directio)
#define _XEN_SYSCTL_PHYSCAP_hap      3
#define XEN_SYSCTL_PHYSCAP_hap       (1 << _XEN_SYSCTL_PHYSCAP_hap)
#define _XEN_SYSCTL_PHYSCAP_shadow   4
#define XEN_SYSCTL_PHYSCAP_shadow    (1 << _XEN_SYSCTL_PHYSCAP_shadow)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1 (1 << 8)
#define XEN_SYSCTL_PHYSCAP_gnttab_v2 (1 << 9)

// xen_sysctl_perfc_op.cmd
#define XEN_SYSCTL_PERFCOP_reset 1
#define XEN_SYSCTL_PERFCOP_query 2

// xen_sysctl_cpupool_op.op
#define XEN_SYSCTL_CPUPOOL_OP_CREATE     1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY    2
#define XEN_SYSCTL_CPUPOOL_OP_INFO       3
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU     4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU      5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN 6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO   7
#define XEN_SYSCTL_CPUPOOL_PAR_ANY       0xFFFFFFFF

// xen_sysctl_scheduler_op.cmd, and limits: microseconds, milliseconds.
#define XEN_SYSCTL_SCHEDOP_putinfo     0
#define XEN_SYSCTL_SCHEDOP_getinfo     1
#define XEN_SYSCTL_SCHED_RATELIMIT_MAX 500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN 100
#define XEN_SYSCTL_CSCHED_TSLICE_MAX   1000
#define XEN_SYSCTL_CSCHED_TSLICE_MIN   1

// xen_sysctl_cputopo members of a processor that is not there.
#define XEN_INVALID_CORE_ID   0xffffffff
#define XEN_INVALID_SOCKET_ID 0xffffffff
#define XEN_INVALID_NODE_ID   0xffffffff

#ifndef PV_ASSEMBLY

// The hypervisor's log. `index`: where to start if `incremental`, and where to go on from; `count`:
// room on entry, bytes on return.
struct xen_sysctl_readconsole {
    uint8_t clear;
    uint8_t incremental;
    uint8_t pad0, pad1;
    uint32_t index;
    XEN_GUEST_HANDLE_64(char) buffer;
    uint32_t count;
};
PV_STRUCT(xen_sysctl_readconsole, 24);
PV_OFFSET(xen_sysctl_readconsole, count, 16);

struct xen_sysctl_physinfo {
    uint32_t threads_per_core;
    uint32_t cores_per_socket;
    uint32_t nr_cpus;
    uint32_t max_cpu_id;
    uint32_t nr_nodes;
    uint32_t max_node_id;
    uint32_t cpu_khz;
    uint32_t capabilities;  // XEN_SYSCTL_PHYSCAP_*
    uint32_t arch_capabilities;
    uint32_t pad;
    uint64_aligned_t total_pages;
    uint64_aligned_t free_pages;
    uint64_aligned_t scrub_pages;
    uint64_aligned_t outstanding_pages;
    uint64_aligned_t max_mfn;
    uint32_t hw_cap[8];  // CPUID feature words
};
PV_STRUCT(xen_sysctl_physinfo, 112);
PV_OFFSET(xen_sysctl_physinfo, total_pages, 40);
PV_OFFSET(xen_sysctl_physinfo, hw_cap, 80);

struct xen_sysctl_sched_id {
    uint32_t sched_id;  // XEN_SCHEDULER_*
};
PV_STRUCT(xen_sysctl_sched_id, 4);

// The hypervisor's counters: names and how many values each has, then all values in a row.
struct xen_sysctl_perfc_desc {
    char name[80];
    uint32_t nr_vals;
};
PV_STRUCT(xen_sysctl_perfc_desc, 84);

typedef uint32_t xen_sysctl_perfc_val_t;

struct xen_sysctl_perfc_op {
    uint32_t cmd;  // XEN_SYSCTL_PERFCOP_*
    uint32_t nr_counters;
    uint32_t nr_vals;
    XEN_GUEST_HANDLE_64(struct xen_sysctl_perfc_desc) desc;
    XEN_GUEST_HANDLE_64(xen_sysctl_perfc_val_t) val;
};
PV_STRUCT(xen_sysctl_perfc_op, 32);
PV_OFFSET(xen_sysctl_perfc_op, val, 24);

// Up to max_domains domains with ids from first_domain; num_domains given.
struct xen_sysctl_getdomaininfolist {
    domid_t first_domain;
    uint32_t max_domains;
    XEN_GUEST_HANDLE_64(struct xen_domctl_getdomaininfo) buffer;
    uint32_t num_domains;
};
PV_STRUCT(xen_sysctl_getdomaininfolist, 24);
PV_OFFSET(xen_sysctl_getdomaininfolist, num_domains, 16);

// As if typed on the hypervisor's console.
struct xen_sysctl_debug_keys {
    XEN_GUEST_HANDLE_64(const char) keys;
    uint32_t nr_keys;
};
PV_STRUCT(xen_sysctl_debug_keys, 16);

// Nanoseconds.
struct xen_sysctl_cpuinfo {
    uint64_aligned_t idletime;
};
PV_STRUCT(xen_sysctl_cpuinfo, 8);

struct xen_sysctl_getcpuinfo {
    uint32_t max_cpus;
    XEN_GUEST_HANDLE_64(struct xen_sysctl_cpuinfo) info;
    uint32_t nr_cpus;
};
PV_STRUCT(xen_sysctl_getcpuinfo, 24);

// Free memory whose addresses have between min_bitwidth and max_bitwidth bits; node -1 = all.
struct xen_sysctl_availheap {
    uint32_t min_bitwidth;
    uint32_t max_bitwidth;
    int32_t node;
    uint64_aligned_t avail_bytes;
};
PV_STRUCT(xen_sysctl_availheap, 24);

struct xen_sysctl_cputopo {
    uint32_t core;
    uint32_t socket;
    uint32_t node;
};
PV_STRUCT(xen_sysctl_cputopo, 12);

// A null handle asks for num_cpus only.
struct xen_sysctl_cputopoinfo {
    uint32_t num_cpus;
    XEN_GUEST_HANDLE_64(struct xen_sysctl_cputopo) cputopo;
};
PV_STRUCT(xen_sysctl_cputopoinfo, 16);

// Bytes.
struct xen_sysctl_meminfo {
    uint64_t memsize;
    uint64_t memfree;
};
PV_STRUCT(xen_sysctl_meminfo, 16);

struct xen_sysctl_numainfo {
    uint32_t num_nodes;
    XEN_GUEST_HANDLE_64(struct xen_sysctl_meminfo) meminfo;
    XEN_GUEST_HANDLE_64(uint32_t) distance;  // num_nodes * num_nodes, 10 = local
};
PV_STRUCT(xen_sysctl_numainfo, 24);

struct xen_sysctl_cpupool_op {
    uint32_t op;  // XEN_SYSCTL_CPUPOOL_OP_*
    uint32_t cpupool_id;
    uint32_t sched_id;
    uint32_t domid;
    uint32_t cpu;
    uint32_t n_dom;
    struct xenctl_bitmap cpumap;
};
PV_STRUCT(xen_sysctl_cpupool_op, 40);

struct xen_sysctl_credit_schedule {
    uint32_t tslice_ms;
    uint32_t ratelimit_us;
    uint32_t vcpu_migr_delay_us;
};
PV_STRUCT(xen_sysctl_credit_schedule, 12);

struct xen_sysctl_credit2_schedule {
    uint32_t ratelimit_us;
};
PV_STRUCT(xen_sysctl_credit2_schedule, 4);

struct xen_sysctl_scheduler_op {
    uint32_t cpupool_id;
    uint32_t sched_id;  // XEN_SCHEDULER_*
    uint32_t cmd;       // XEN_SYSCTL_SCHEDOP_*
    union {
        // ARINC 653's schedule is a handle; it sets the union's size and alignment.
        struct {
            XEN_GUEST_HANDLE_64(void) schedule;
        } sched_arinc653;
        struct xen_sysctl_credit_schedule sched_credit;
        struct xen_sysctl_credit2_schedule sched_credit2;
    } u;
};
PV_STRUCT(xen_sysctl_scheduler_op, 32);
PV_OFFSET(xen_sysctl_scheduler_op, u, 16);

struct xen_sysctl {
    uint32_t cmd;                // XEN_SYSCTL_*
    uint32_t interface_version;  // XEN_SYSCTL_INTERFACE_VERSION
    union {
        struct xen_sysctl_readconsole readconsole;
        struct xen_sysctl_physinfo physinfo;
        struct xen_sysctl_cputopoinfo cputopoinfo;
        struct xen_sysctl_numainfo numainfo;
        struct xen_sysctl_sched_id sched_id;
        struct xen_sysctl_perfc_op perfc_op;
        struct xen_sysctl_getdomaininfolist getdomaininfolist;
        struct xen_sysctl_debug_keys debug_keys;
        struct xen_sysctl_getcpuinfo getcpuinfo;
        struct xen_sysctl_availheap availheap;
        struct xen_sysctl_cpupool_op cpupool_op;
        struct xen_sysctl_scheduler_op scheduler_op;
        uint8_t pad[128];
    } u;
};
PV_STRUCT(xen_sysctl, 136);
PV_OFFSET(xen_sysctl, u, 8);

#endif  // PV_ASSEMBLY
#endif  // PV_SYSCTL_H
