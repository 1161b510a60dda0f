// SPDX-License-Identifier: MIT
// Grant tables, version 1: a domain lets another map or copy one of its frames.
// grant_table_op(GNTTABOP_*, array, count): the call gives 0 or a negated error, each element its
// own GNTST_* status.
#ifndef PV_GRANT_TABLE_H
#define PV_GRANT_TABLE_H

#include "abi.h"

#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12

// The toolstack fills the first entries for a new domain.
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

// grant_entry_v1.flags: the type,
#define GTF_invalid         0
#define GTF_permit_access   1
#define GTF_accept_transfer 2
#define GTF_transitive      3
#define GTF_type_mask       3
// what the granter allows,
#define _GTF_readonly 2
#define GTF_readonly  (1 << _GTF_readonly)
// and what the hypervisor notes: the frame is mapped for reading, for writing. While either is set
// the grant cannot be taken back.
#define _GTF_reading  3
#define GTF_reading   (1 << _GTF_reading)
#define _GTF_writing  4
#define GTF_writing   (1 << _GTF_writing)
#define _GTF_PWT      5
#define GTF_PWT       (1 << _GTF_PWT)
#define _GTF_PCD      6
#define GTF_PCD       (1 << _GTF_PCD)
#define _GTF_PAT      7
#define GTF_PAT       (1 << _GTF_PAT)
#define _GTF_sub_page 8
#define GTF_sub_page  (1 << _GTF_sub_page)
// With accept_transfer: under way, done.
#define _GTF_transfer_committed 2
#define GTF_transfer_committed  (1 << _GTF_transfer_committed)
#define _GTF_transfer_completed 3
#define GTF_transfer_completed  (1 << _GTF_transfer_completed)

// gnttab_map_grant_ref.flags
#define _GNTMAP_device_map      0
#define GNTMAP_device_map       (1 << _GNTMAP_device_map)
#define _GNTMAP_host_map        1
#define GNTMAP_host_map         (1 << _GNTMAP_host_map)
#define _GNTMAP_readonly        2
#define GNTMAP_readonly         (1 << _GNTMAP_readonly)
#define _GNTMAP_application_map 3  // with the user bit
#define GNTMAP_application_map  (1 << _GNTMAP_application_map)
#define _GNTMAP_contains_pte    4  // host_addr is the machine address of the entry
#define GNTMAP_contains_pte     (1 << _GNTMAP_contains_pte)
#define _GNTMAP_guest_avail0    16
#define GNTMAP_guest_avail_mask 0xffff0000

// gnttab_copy.flags: that side is a grant reference, not a frame.
#define _GNTCOPY_source_gref 0
#define GNTCOPY_source_gref  (1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref   1
#define GNTCOPY_dest_gref    (1 << _GNTCOPY_dest_gref)

#define GNTST_okay              0
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10)
#define GNTST_address_too_big   (-11)
#define GNTST_eagain            (-12)
#define GNTST_no_space          (-13)

#ifndef PV_ASSEMBLY

typedef uint32_t grant_handle_t;

// The table is an array of these, indexed by grant_ref_t, 512 to a frame. A granter writes domid
// and frame first, then flags; it withdraws by setting flags to 0 with a compare-and-exchange.
struct grant_entry_v1 {
    uint16_t flags;  // GTF_*
    domid_t domid;   // who may
    uint32_t frame;
};
PV_STRUCT(grant_entry_v1, 8);
PV_OFFSET(grant_entry_v1, frame, 4);

// Maps reference `ref` of `dom` at virtual address (or entry) host_addr. Gives handle, and in
// dev_bus_addr the frame's machine address.
struct gnttab_map_grant_ref {
    uint64_t host_addr;
    uint32_t flags;  // GNTMAP_*
    grant_ref_t ref;
    domid_t dom;
    int16_t status;
    grant_handle_t handle;
    uint64_t dev_bus_addr;
};
PV_STRUCT(gnttab_map_grant_ref, 32);
PV_OFFSET(gnttab_map_grant_ref, status, 18);
PV_OFFSET(gnttab_map_grant_ref, dev_bus_addr, 24);

// dev_bus_addr 0: only the mapping at host_addr goes; both 0: nothing does.
struct gnttab_unmap_grant_ref {
    uint64_t host_addr;
    uint64_t dev_bus_addr;
    grant_handle_t handle;
    int16_t status;
};
PV_STRUCT(gnttab_unmap_grant_ref, 24);
PV_OFFSET(gnttab_unmap_grant_ref, handle, 16);

// Grows the table to nr_frames and gives its machine frames.
struct gnttab_setup_table {
    domid_t dom;
    uint32_t nr_frames;
    int16_t status;
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list;
};
PV_STRUCT(gnttab_setup_table, 16);
PV_OFFSET(gnttab_setup_table, frame_list, 12);

struct gnttab_dump_table {
    domid_t dom;
    int16_t status;
};
PV_STRUCT(gnttab_dump_table, 4);

// Gives the caller's frame away, to a reference that accepts it.
struct gnttab_transfer {
    xen_pfn_t mfn;
    domid_t domid;
    grant_ref_t ref;
    int16_t status;
};
PV_STRUCT(gnttab_transfer, 16);

// One side of a copy; offset + len may not pass the end of the page.
struct gnttab_copy_ptr {
    union {
        grant_ref_t ref;
        xen_pfn_t gmfn;
    } u;
    domid_t domid;
    uint16_t offset;
};
PV_STRUCT(gnttab_copy_ptr, 8);

struct gnttab_copy {
    struct gnttab_copy_ptr source, dest;
    uint16_t len;    // bytes
    uint16_t flags;  // GNTCOPY_*
    int16_t status;
};
PV_STRUCT(gnttab_copy, 24);
PV_OFFSET(gnttab_copy, len, 16);

struct gnttab_query_size {
    domid_t dom;
    uint32_t nr_frames;
    uint32_t max_nr_frames;
    int16_t status;
};
PV_STRUCT(gnttab_query_size, 16);

// Unmaps host_addr and moves the entry that maps new_addr there.
struct gnttab_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr;
    grant_handle_t handle;
    int16_t status;
};
PV_STRUCT(gnttab_unmap_and_replace, 24);

// version: asked for on entry, in force on return.
struct gnttab_set_version {
    uint32_t version;
};
PV_STRUCT(gnttab_set_version, 4);

struct gnttab_get_version {
    domid_t dom;
    uint16_t pad;
    uint32_t version;
};
PV_STRUCT(gnttab_get_version, 8);

// Version 2 only: where the status words lie.
struct gnttab_get_status_frames {
    uint32_t nr_frames;
    domid_t dom;
    int16_t status;
    XEN_GUEST_HANDLE(uint64_t) frame_list;
};
PV_STRUCT(gnttab_get_status_frames, 12);
PV_OFFSET(gnttab_get_status_frames, frame_list, 8);

struct gnttab_swap_grant_ref {
    grant_ref_t ref_a;
    grant_ref_t ref_b;
    int16_t status;
};
PV_STRUCT(gnttab_swap_grant_ref, 12);

#endif  // PV_ASSEMBLY
#endif  // PV_GRANT_TABLE_H
