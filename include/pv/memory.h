// SPDX-License-Identifier: MIT
// memory_op(XENMEM_*, argument): reservations, maps of memory, and the machine-to-physical table.
// Calls on extents return how many were done, which may be fewer than asked.
#ifndef PV_MEMORY_H
#define PV_MEMORY_H

#include "abi.h"

#define XENMEM_increase_reservation     0  // xen_memory_reservation: gives frames
#define XENMEM_decrease_reservation     1  // takes frames
#define XENMEM_maximum_ram_page         2  // no argument; highest machine frame
#define XENMEM_current_reservation      3  // domid_t; pages
#define XENMEM_maximum_reservation      4  // domid_t; pages
#define XENMEM_machphys_mfn_list        5
#define XENMEM_populate_physmap         6  // takes pseudo-physical frames, gives machine frames
#define XENMEM_add_to_physmap           7
#define XENMEM_memory_map               9
#define XENMEM_machine_memory_map       10
#define XENMEM_exchange                 11
#define XENMEM_machphys_mapping         12
#define XENMEM_set_memory_map           13
#define XENMEM_maximum_gpfn             14  // domid_t; highest pseudo-physical frame
#define XENMEM_remove_from_physmap      15
#define XENMEM_set_pod_target           16
#define XENMEM_get_pod_target           17
#define XENMEM_add_to_physmap_batch     23
#define XENMEM_claim_pages              24
#define XENMEM_machphys_compat_mfn_list 25
#define XENMEM_get_vnumainfo            26
#define XENMEM_acquire_resource         28

// xen_memory_reservation.mem_flags: low byte = highest address bit a frame may use (0 = any).
#define XENMEMF_address_bits(bits)      (bits)
#define XENMEMF_get_address_bits(flags) ((flags)&0xff)
#define XENMEMF_populate_on_demand      (1 << 16)
#define XENMEMF_exact_node_request      (1 << 17)
#define XENMEMF_vnode                   (1 << 18)

#define XENMAPSPACE_shared_info      0
#define XENMAPSPACE_grant_table      1
#define XENMAPSPACE_gmfn             2
#define XENMAPSPACE_gmfn_range       3
#define XENMAPSPACE_gmfn_foreign     4
#define XENMAPSPACE_dev_mmio         5
#define XENMAPIDX_grant_table_status 0x80000000

// xen_mem_acquire_resource.type and .id
#define XENMEM_resource_ioreq_server          0
#define XENMEM_resource_grant_table           1
#define XENMEM_resource_vmtrace_buf           2
#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1

#ifndef PV_ASSEMBLY

// nr_extents runs of 2^extent_order pages; extent_start[] holds one frame number for each.
struct xen_memory_reservation {
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    xen_ulong_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags;  // XENMEMF_*
    domid_t domid;
};
PV_STRUCT(xen_memory_reservation, 20);
PV_OFFSET(xen_memory_reservation, domid, 16);

// Gives back in.* and takes out.*, the same number of pages. nr_exchanged must be 0 at first.
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    xen_ulong_t nr_exchanged;
};
PV_STRUCT(xen_memory_exchange, 44);
PV_OFFSET(xen_memory_exchange, nr_exchanged, 40);

// The machine frames of the machine-to-physical table, one per 2 MiB of it.
struct xen_machphys_mfn_list {
    uint32_t max_extents;
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    uint32_t nr_extents;
};
PV_STRUCT(xen_machphys_mfn_list, 12);

// Where the table lies, and the last frame it speaks of.
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end;
    xen_ulong_t max_mfn;
};
PV_STRUCT(xen_machphys_mapping, 12);

// Puts a page of a XENMAPSPACE_* at pseudo-physical gpfn. `size` counts pages, gmfn_range only.
struct xen_add_to_physmap {
    domid_t domid;
    uint16_t size;
    uint32_t space;
    xen_ulong_t idx;
    xen_pfn_t gpfn;
};
PV_STRUCT(xen_add_to_physmap, 16);

// The same for `size` pages, each with its own error.
struct xen_add_to_physmap_batch {
    domid_t domid;
    uint16_t space;
    uint16_t size;
    union {
        domid_t foreign_domid;
        uint16_t res0;
    } u;
    XEN_GUEST_HANDLE(xen_ulong_t) idxs;
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;
    XEN_GUEST_HANDLE(int) errs;
};
PV_STRUCT(xen_add_to_physmap_batch, 20);

struct xen_remove_from_physmap {
    domid_t domid;
    xen_pfn_t gpfn;
};
PV_STRUCT(xen_remove_from_physmap, 8);

// nr_entries: room on entry, used on return. The buffer holds e820 entries of 20 bytes:
// uint64_t address, uint64_t bytes, uint32_t type.
struct xen_memory_map {
    uint32_t nr_entries;
    XEN_GUEST_HANDLE(void) buffer;
};
PV_STRUCT(xen_memory_map, 8);

struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};
PV_STRUCT(xen_foreign_memory_map, 12);

// Frames that belong to a domain but not to its memory, such as its grant table. With nr_frames 0
// the call gives their number.
struct xen_mem_acquire_resource {
    domid_t domid;
    uint16_t type;  // XENMEM_resource_*
    uint32_t id;
    uint32_t nr_frames;
    uint32_t pad;
    uint64_t frame;  // the first
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list;
};
PV_STRUCT(xen_mem_acquire_resource, 28);
PV_OFFSET(xen_mem_acquire_resource, frame, 16);

#endif  // PV_ASSEMBLY
#endif  // PV_MEMORY_H
