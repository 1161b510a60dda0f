// SPDX-License-Identifier: MIT
// /dev/xen/privcmd: hypercalls from a program, and other domains' frames in its address space.
// Layout and numbers are Linux's, for 32-bit programs; results as from any ioctl, -1 and errno.
#ifndef PV_SYS_PRIVCMD_H
#define PV_SYS_PRIVCMD_H

#include "../abi.h"
#include "ioctl.h"

#define IOCTL_PRIVCMD_HYPERCALL     PV_IOCTL('P', 0, 48)  // privcmd_hypercall; the call's result
#define IOCTL_PRIVCMD_MMAP          PV_IOCTL('P', 2, 12)  // privcmd_mmap
#define IOCTL_PRIVCMD_MMAPBATCH     PV_IOCTL('P', 3, 20)  // privcmd_mmapbatch
#define IOCTL_PRIVCMD_MMAPBATCH_V2  PV_IOCTL('P', 4, 24)  // privcmd_mmapbatch_v2
#define IOCTL_PRIVCMD_DM_OP         PV_IOCTL('P', 5, 8)   // privcmd_dm_op
#define IOCTL_PRIVCMD_RESTRICT      PV_IOCTL('P', 6, 2)   // domid_t: only that domain from now on
#define IOCTL_PRIVCMD_MMAP_RESOURCE PV_IOCTL('P', 7, 32)  // privcmd_mmap_resource
#define IOCTL_PRIVCMD_UNIMPLEMENTED PV_IOCTL('P', 0xFF, 0)

// Set in a frame number that could not be mapped.
#define PRIVCMD_MMAPBATCH_MFN_ERROR   0xf0000000
#define PRIVCMD_MMAPBATCH_PAGED_ERROR 0x80000000

#ifndef PV_ASSEMBLY

struct privcmd_hypercall {
    uint64_t op;
    uint64_t arg[5];
};
PV_STRUCT(privcmd_hypercall, 48);

// Runs of frames at addresses of their own.
struct privcmd_mmap_entry {
    uint64_t va;
    uint64_t mfn;
    uint64_t npages;
};
PV_STRUCT(privcmd_mmap_entry, 24);

struct privcmd_mmap {
    int32_t num;
    domid_t dom;
    struct privcmd_mmap_entry *entry;
};
PV_STRUCT(privcmd_mmap, 12);

// num frames in a row from addr; failures are marked in arr.
struct privcmd_mmapbatch {
    int32_t num;
    domid_t dom;
    uint64_t addr;
    xen_pfn_t *arr;
};
PV_STRUCT(privcmd_mmapbatch, 20);

// The same, with an errno (negated) for each frame.
struct privcmd_mmapbatch_v2 {
    uint32_t num;
    domid_t dom;
    uint64_t addr;
    const xen_pfn_t *arr;
    int32_t *err;
};
PV_STRUCT(privcmd_mmapbatch_v2, 24);

struct privcmd_dm_op_buf {
    void *uptr;
    uint32_t size;
};
PV_STRUCT(privcmd_dm_op_buf, 8);

struct privcmd_dm_op {
    domid_t dom;
    uint16_t num;
    const struct privcmd_dm_op_buf *ubufs;
};
PV_STRUCT(privcmd_dm_op, 8);

// Frames idx and up of a XENMEM_resource_*, at addr; addr and num 0 ask for their number.
struct privcmd_mmap_resource {
    domid_t dom;
    uint32_t type;
    uint32_t id;
    uint32_t idx;
    uint64_t num;
    uint64_t addr;
};
PV_STRUCT(privcmd_mmap_resource, 32);
PV_OFFSET(privcmd_mmap_resource, num, 16);

#endif  // PV_ASSEMBLY
#endif  // PV_SYS_PRIVCMD_H
