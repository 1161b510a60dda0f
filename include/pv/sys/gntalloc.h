// SPDX-License-Identifier: MIT
// /dev/xen/gntalloc: frames of a program's that it grants to another domain.
// alloc_gref gives an `index` to mmap the device at, and one reference for each of `count` pages.
#ifndef PV_SYS_GNTALLOC_H
#define PV_SYS_GNTALLOC_H

#include "../abi.h"
#include "ioctl.h"

#define IOCTL_GNTALLOC_ALLOC_GREF       PV_IOCTL('G', 5, 20)
#define IOCTL_GNTALLOC_DEALLOC_GREF     PV_IOCTL('G', 6, 12)
#define IOCTL_GNTALLOC_SET_UNMAP_NOTIFY PV_IOCTL('G', 7, 16)

#define GNTALLOC_FLAG_WRITABLE 1

#ifndef PV_ASSEMBLY

struct ioctl_gntalloc_alloc_gref {
    uint16_t domid;
    uint16_t flags;  // GNTALLOC_FLAG_*
    uint32_t count;
    uint64_t index;
    uint32_t gref_ids[1];
};
PV_STRUCT(ioctl_gntalloc_alloc_gref, 20);
PV_OFFSET(ioctl_gntalloc_alloc_gref, gref_ids, 16);

struct ioctl_gntalloc_dealloc_gref {
    uint64_t index;
    uint32_t count;
};
PV_STRUCT(ioctl_gntalloc_dealloc_gref, 12);

// As gntdev's; UNMAP_NOTIFY_* are in gntdev.h.
struct ioctl_gntalloc_unmap_notify {
    uint64_t index;
    uint32_t action;
    uint32_t event_channel_port;
};
PV_STRUCT(ioctl_gntalloc_unmap_notify, 16);

#endif  // PV_ASSEMBLY
#endif  // PV_SYS_GNTALLOC_H
