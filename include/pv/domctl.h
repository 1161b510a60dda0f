// SPDX-License-Identifier: MIT
// domctl(struct xen_domctl *): how the control domain makes, runs and ends domains. The subset a
// toolstack for paravirtual guests needs. -EACCES: another interface version; -EPERM: not the
// control domain; -ESRCH: no such domain; -ENOSYS: an operation not offered.
#ifndef PV_DOMCTL_H
#define PV_DOMCTL_H

#include "event_channel.h"
#include "grant_table.h"
#include "memory.h"
#include "xen.h"

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000015

// xen_domctl.cmd
#define XEN_DOMCTL_createdomain      1
#define XEN_DOMCTL_destroydomain     2
#define XEN_DOMCTL_pausedomain       3
#define XEN_DOMCTL_unpausedomain     4
#define XEN_DOMCTL_getdomaininfo     5
#define XEN_DOMCTL_setvcpuaffinity   9
#define XEN_DOMCTL_shadow_op         10
#define XEN_DOMCTL_max_mem           11
#define XEN_DOMCTL_setvcpucontext    12
#define XEN_DOMCTL_getvcpucontext    13
#define XEN_DOMCTL_getvcpuinfo       14
#define XEN_DOMCTL_max_vcpus         15
#define XEN_DOMCTL_scheduler_op      16
#define XEN_DOMCTL_setdomainhandle   17
#define XEN_DOMCTL_setdebugging      18
#define XEN_DOMCTL_irq_permission    19
#define XEN_DOMCTL_iomem_permission  20
#define XEN_DOMCTL_ioport_permission 21
#define XEN_DOMCTL_hypercall_init    22
#define XEN_DOMCTL_settimeoffset     24
#define XEN_DOMCTL_getvcpuaffinity   25
#define XEN_DOMCTL_real_mode_area    26
#define XEN_DOMCTL_resumedomain      27
#define XEN_DOMCTL_sendtrigger       28
#define XEN_DOMCTL_subscribe         29
#define XEN_DOMCTL_set_address_size  35
#define XEN_DOMCTL_get_address_size  36
#define XEN_DOMCTL_set_target        46
#define XEN_DOMCTL_gettscinfo        59
#define XEN_DOMCTL_settscinfo        60
#define XEN_DOMCTL_getpageframeinfo3 61
#define XEN_DOMCTL_set_virq_handler  66
#define XEN_DOMCTL_setnodeaffinity   68
#define XEN_DOMCTL_getnodeaffinity   69
#define XEN_DOMCTL_soft_reset        79

// xen_domctl_createdomain.flags: none of them is for a paravirtual guest, except
#define _XEN_DOMCTL_CDF_hvm          0
#define XEN_DOMCTL_CDF_hvm           (1 << _XEN_DOMCTL_CDF_hvm)
#define _XEN_DOMCTL_CDF_hap          1
#define XEN_DOMCTL_CDF_hap           (1 << _XEN_DOMCTL_CDF_hap)
#define _XEN_DOMCTL_CDF_s3_integrity 2
#define XEN_DOMCTL_CDF_s3_integrity  (1 << _XEN_DOMCTL_CDF_s3_integrity)
#define _XEN_DOMCTL_CDF_oos_off      3
#define XEN_DOMCTL_CDF_oos_off       (1 << _XEN_DOMCTL_CDF_oos_off)
#define _XEN_DOMCTL_CDF_xs_domain    4  // the domain serves xenstore
#define XEN_DOMCTL_CDF_xs_domain     (1 << _XEN_DOMCTL_CDF_xs_domain)
#define _XEN_DOMCTL_CDF_iommu        5
#define XEN_DOMCTL_CDF_iommu         (1 << _XEN_DOMCTL_CDF_iommu)
#define _XEN_DOMCTL_CDF_nested_virt  6
#define XEN_DOMCTL_CDF_nested_virt   (1 << _XEN_DOMCTL_CDF_nested_virt)
#define XEN_DOMCTL_CDF_vpmu          (1 << 7)
#define XEN_DOMCTL_CDF_MAX           XEN_DOMCTL_CDF_vpmu

// xen_domctl_createdomain.grant_opts: the highest table version.
#define XEN_DOMCTL_GRANT_version_mask 0xf
#define XEN_DOMCTL_GRANT_version(v)   ((v)&XEN_DOMCTL_GRANT_version_mask)

// xen_arch_domainconfig.emulation_flags; of these a paravirtual guest may have the timer chip.
#define _XEN_X86_EMU_PIT    8
#define XEN_X86_EMU_PIT     (1 << _XEN_X86_EMU_PIT)
#define XEN_X86_MSR_RELAXED (1 << 0)

// xen_domctl_getdomaininfo.flags; from bit 16 the SHUTDOWN_* reason.
#define _XEN_DOMINF_dying        0
#define XEN_DOMINF_dying         (1 << _XEN_DOMINF_dying)
#define _XEN_DOMINF_hvm_guest    1
#define XEN_DOMINF_hvm_guest     (1 << _XEN_DOMINF_hvm_guest)
#define _XEN_DOMINF_shutdown     2
#define XEN_DOMINF_shutdown      (1 << _XEN_DOMINF_shutdown)
#define _XEN_DOMINF_paused       3
#define XEN_DOMINF_paused        (1 << _XEN_DOMINF_paused)
#define _XEN_DOMINF_blocked      4
#define XEN_DOMINF_blocked       (1 << _XEN_DOMINF_blocked)
#define _XEN_DOMINF_running      5
#define XEN_DOMINF_running       (1 << _XEN_DOMINF_running)
#define _XEN_DOMINF_debugged     6
#define XEN_DOMINF_debugged      (1 << _XEN_DOMINF_debugged)
#define _XEN_DOMINF_xs_domain    7
#define XEN_DOMINF_xs_domain     (1 << _XEN_DOMINF_xs_domain)
#define _XEN_DOMINF_hap          8
#define XEN_DOMINF_hap           (1 << _XEN_DOMINF_hap)
#define XEN_DOMINF_shutdownmask  255
#define XEN_DOMINF_shutdownshift 16
#define XEN_INVALID_MAX_VCPU_ID  0xffffffff

// xen_domctl_getpageframeinfo3.array, top four bits on return.
#define XEN_DOMCTL_PFINFO_LTAB_SHIFT    28
#define XEN_DOMCTL_PFINFO_NOTAB         0x00000000
#define XEN_DOMCTL_PFINFO_L1TAB         0x10000000
#define XEN_DOMCTL_PFINFO_L2TAB         0x20000000
#define XEN_DOMCTL_PFINFO_L3TAB         0x30000000
#define XEN_DOMCTL_PFINFO_L4TAB         0x40000000
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK 0x70000000
#define XEN_DOMCTL_PFINFO_LPINTAB       0x80000000  // pinned
#define XEN_DOMCTL_PFINFO_XTAB          0xf0000000  // no such frame
#define XEN_DOMCTL_PFINFO_XALLOC        0xe0000000
#define XEN_DOMCTL_PFINFO_BROKEN        0xd0000000
#define XEN_DOMCTL_PFINFO_LTAB_MASK     0xf0000000

// xen_domctl_vcpuaffinity.flags
#define _XEN_VCPUAFFINITY_HARD  0
#define XEN_VCPUAFFINITY_HARD   (1 << _XEN_VCPUAFFINITY_HARD)
#define _XEN_VCPUAFFINITY_SOFT  1
#define XEN_VCPUAFFINITY_SOFT   (1 << _XEN_VCPUAFFINITY_SOFT)
#define _XEN_VCPUAFFINITY_FORCE 2
#define XEN_VCPUAFFINITY_FORCE  (1 << _XEN_VCPUAFFINITY_FORCE)

// Schedulers, and what xen_domctl_scheduler_op does.
#define XEN_SCHEDULER_CREDIT           5
#define XEN_SCHEDULER_CREDIT2          6
#define XEN_SCHEDULER_ARINC653         7
#define XEN_SCHEDULER_RTDS             8
#define XEN_SCHEDULER_NULL             9
#define XEN_DOMCTL_SCHEDOP_putinfo     0
#define XEN_DOMCTL_SCHEDOP_getinfo     1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo 2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo 3

// xen_domctl_sendtrigger.trigger
#define XEN_DOMCTL_SENDTRIGGER_NMI   0
#define XEN_DOMCTL_SENDTRIGGER_RESET 1
#define XEN_DOMCTL_SENDTRIGGER_INIT  2
#define XEN_DOMCTL_SENDTRIGGER_POWER 3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP 4

#ifndef PV_ASSEMBLY

// Bit n of the bytes at `bitmap` stands for processor or node n.
struct xenctl_bitmap {
    XEN_GUEST_HANDLE_64(uint8_t) bitmap;
    uint32_t nr_bits;
};
PV_STRUCT(xenctl_bitmap, 16);
PV_OFFSET(xenctl_bitmap, nr_bits, 8);

struct xen_arch_domainconfig {
    uint32_t emulation_flags;  // XEN_X86_EMU_*
    uint32_t misc_flags;       // XEN_X86_MSR_RELAXED
};
PV_STRUCT(xen_arch_domainconfig, 8);

// A new domain, paused and without memory. xen_domctl.domain: the wanted id, or 0 or DOMID_INVALID
// for any; on return the id. -EEXIST: taken.
struct xen_domctl_createdomain {
    uint32_t ssidref;
    xen_domain_handle_t handle;  // a UUID, the toolstack's
    uint32_t flags;              // XEN_DOMCTL_CDF_*
    uint32_t iommu_opts;
    uint32_t max_vcpus;
    uint32_t max_evtchn_port;
    int32_t max_grant_frames;     // negative: the default
    int32_t max_maptrack_frames;  // negative: the default
    uint32_t grant_opts;          // XEN_DOMCTL_GRANT_version
    uint32_t vmtrace_size;
    uint32_t cpupool_id;
    struct xen_arch_domainconfig arch;
};
PV_STRUCT(xen_domctl_createdomain, 64);
PV_OFFSET(xen_domctl_createdomain, flags, 20);
PV_OFFSET(xen_domctl_createdomain, arch, 56);

// Of the domain with that id, or the next above it: check `domain`. Pages, nanoseconds.
struct xen_domctl_getdomaininfo {
    domid_t domain;
    uint16_t pad1;
    uint32_t flags;  // XEN_DOMINF_*
    uint64_aligned_t tot_pages;
    uint64_aligned_t max_pages;
    uint64_aligned_t outstanding_pages;
    uint64_aligned_t shr_pages;
    uint64_aligned_t paged_pages;
    uint64_aligned_t shared_info_frame;  // machine frame
    uint64_aligned_t cpu_time;
    uint32_t nr_online_vcpus;
    uint32_t max_vcpu_id;
    uint32_t ssidref;
    xen_domain_handle_t handle;
    uint32_t cpupool;
    uint8_t gpaddr_bits;
    uint8_t pad2[7];
    struct xen_arch_domainconfig arch_config;
};
PV_STRUCT(xen_domctl_getdomaininfo, 112);
PV_OFFSET(xen_domctl_getdomaininfo, tot_pages, 8);
PV_OFFSET(xen_domctl_getdomaininfo, cpu_time, 56);
PV_OFFSET(xen_domctl_getdomaininfo, handle, 76);

// What kind of page each of `num` frames is; the frame in, frame | XEN_DOMCTL_PFINFO_* out.
struct xen_domctl_getpageframeinfo3 {
    uint64_aligned_t num;
    XEN_GUEST_HANDLE_64(xen_pfn_t) array;
};
PV_STRUCT(xen_domctl_getpageframeinfo3, 16);

// KiB.
struct xen_domctl_max_mem {
    uint64_aligned_t max_memkb;
};
PV_STRUCT(xen_domctl_max_mem, 8);

struct xen_domctl_vcpucontext {
    uint32_t vcpu;
    XEN_GUEST_HANDLE_64(struct vcpu_guest_context) ctxt;
};
PV_STRUCT(xen_domctl_vcpucontext, 16);
PV_OFFSET(xen_domctl_vcpucontext, ctxt, 8);

struct xen_domctl_getvcpuinfo {
    uint32_t vcpu;
    uint8_t online;
    uint8_t blocked;
    uint8_t running;
    uint64_aligned_t cpu_time;  // nanoseconds
    uint32_t cpu;               // where it runs or ran last
};
PV_STRUCT(xen_domctl_getvcpuinfo, 24);
PV_OFFSET(xen_domctl_getvcpuinfo, cpu_time, 8);

struct xen_domctl_nodeaffinity {
    struct xenctl_bitmap nodemap;
};
PV_STRUCT(xen_domctl_nodeaffinity, 16);

struct xen_domctl_vcpuaffinity {
    uint32_t vcpu;
    uint32_t flags;  // XEN_VCPUAFFINITY_*
    struct xenctl_bitmap cpumap_hard;
    struct xenctl_bitmap cpumap_soft;
};
PV_STRUCT(xen_domctl_vcpuaffinity, 40);

struct xen_domctl_max_vcpus {
    uint32_t max;
};
PV_STRUCT(xen_domctl_max_vcpus, 4);

// weight: share of the processor against other domains, 1 to 65535, 256 = ordinary.
// cap: the most it may have, in per cent of one processor; 0 = no cap.
struct xen_domctl_sched_credit {
    uint16_t weight;
    uint16_t cap;
};
PV_STRUCT(xen_domctl_sched_credit, 4);

struct xen_domctl_sched_credit2 {
    uint16_t weight;
    uint16_t cap;
};
PV_STRUCT(xen_domctl_sched_credit2, 4);

// Microseconds.
struct xen_domctl_sched_rtds {
    uint32_t period;
    uint32_t budget;
    uint32_t flags;
};
PV_STRUCT(xen_domctl_sched_rtds, 12);

struct xen_domctl_schedparam_vcpu {
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
    } u;
    uint32_t vcpuid;
};
PV_STRUCT(xen_domctl_schedparam_vcpu, 16);

struct xen_domctl_scheduler_op {
    uint32_t sched_id;  // XEN_SCHEDULER_*
    uint32_t cmd;       // XEN_DOMCTL_SCHEDOP_*
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
        struct {
            XEN_GUEST_HANDLE_64(struct xen_domctl_schedparam_vcpu) vcpus;
            uint32_t nr_vcpus;
            uint32_t padding;
        } v;
    } u;
};
PV_STRUCT(xen_domctl_scheduler_op, 24);
PV_OFFSET(xen_domctl_scheduler_op, u, 8);

struct xen_domctl_setdomainhandle {
    xen_domain_handle_t handle;
};
PV_STRUCT(xen_domctl_setdomainhandle, 16);

struct xen_domctl_setdebugging {
    uint8_t enable;
};
PV_STRUCT(xen_domctl_setdebugging, 1);

struct xen_domctl_irq_permission {
    uint32_t pirq;
    uint8_t allow_access;
    uint8_t pad[3];
};
PV_STRUCT(xen_domctl_irq_permission, 8);

struct xen_domctl_iomem_permission {
    uint64_aligned_t first_mfn;
    uint64_aligned_t nr_mfns;
    uint8_t allow_access;
};
PV_STRUCT(xen_domctl_iomem_permission, 24);

struct xen_domctl_ioport_permission {
    uint32_t first_port;
    uint32_t nr_ports;
    uint8_t allow_access;
};
PV_STRUCT(xen_domctl_ioport_permission, 12);

// Fills the frame with hypercall stubs.
struct xen_domctl_hypercall_init {
    uint64_aligned_t gmfn;
};
PV_STRUCT(xen_domctl_hypercall_init, 8);

struct xen_domctl_settimeoffset {
    int64_aligned_t time_offset_seconds;
};
PV_STRUCT(xen_domctl_settimeoffset, 8);

// Bits of a guest's pointers, 32 or 64.
struct xen_domctl_address_size {
    uint32_t size;
};
PV_STRUCT(xen_domctl_address_size, 4);

struct xen_domctl_sendtrigger {
    uint32_t trigger;  // XEN_DOMCTL_SENDTRIGGER_*
    uint32_t vcpu;
};
PV_STRUCT(xen_domctl_sendtrigger, 8);

struct xen_domctl_set_target {
    domid_t target;
};
PV_STRUCT(xen_domctl_set_target, 2);

struct xen_domctl_subscribe {
    uint32_t port;
};
PV_STRUCT(xen_domctl_subscribe, 4);

struct xen_domctl_tsc_info {
    uint32_t tsc_mode;
    uint32_t gtsc_khz;
    uint32_t incarnation;
    uint32_t pad;
    uint64_aligned_t elapsed_nsec;
};
PV_STRUCT(xen_domctl_tsc_info, 24);

// xen_domctl.domain receives this VIRQ_* in place of the control domain.
struct xen_domctl_set_virq_handler {
    uint32_t virq;
};
PV_STRUCT(xen_domctl_set_virq_handler, 4);

struct xen_domctl {
    uint32_t cmd;                // XEN_DOMCTL_*
    uint32_t interface_version;  // XEN_DOMCTL_INTERFACE_VERSION
    domid_t domain;
    uint16_t _pad[3];
    union {
        struct xen_domctl_createdomain createdomain;
        struct xen_domctl_getdomaininfo getdomaininfo;
        struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
        struct xen_domctl_nodeaffinity nodeaffinity;
        struct xen_domctl_vcpuaffinity vcpuaffinity;
        struct xen_domctl_max_mem max_mem;
        struct xen_domctl_vcpucontext vcpucontext;
        struct xen_domctl_getvcpuinfo getvcpuinfo;
        struct xen_domctl_max_vcpus max_vcpus;
        struct xen_domctl_scheduler_op scheduler_op;
        struct xen_domctl_setdomainhandle setdomainhandle;
        struct xen_domctl_setdebugging setdebugging;
        struct xen_domctl_irq_permission irq_permission;
        struct xen_domctl_iomem_permission iomem_permission;
        struct xen_domctl_ioport_permission ioport_permission;
        struct xen_domctl_hypercall_init hypercall_init;
        struct xen_domctl_settimeoffset settimeoffset;
        struct xen_domctl_tsc_info tsc_info;
        struct xen_domctl_address_size address_size;
        struct xen_domctl_sendtrigger sendtrigger;
        struct xen_domctl_set_target set_target;
        struct xen_domctl_subscribe subscribe;
        struct xen_domctl_set_virq_handler set_virq_handler;
        uint8_t pad[128];
    } u;
};
PV_STRUCT(xen_domctl, 144);
PV_OFFSET(xen_domctl, u, 16);

#endif  // PV_ASSEMBLY
#endif  // PV_DOMCTL_H
