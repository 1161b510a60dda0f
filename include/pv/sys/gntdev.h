// SPDX-License-Identifier: MIT
// /dev/xen/gntdev: other domains' granted frames in a program's address space.
// map_grant_ref gives an `index`; mmap of the device at that offset maps the frames.
#ifndef PV_SYS_GNTDEV_H
#define PV_SYS_GNTDEV_H

#include "../abi.h"
#include "ioctl.h"

#define IOCTL_GNTDEV_MAP_GRANT_REF        PV_IOCTL('G', 0, 24)
#define IOCTL_GNTDEV_UNMAP_GRANT_REF      PV_IOCTL('G', 1, 16)
#define IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR PV_IOCTL('G', 2, 24)
#define IOCTL_GNTDEV_SET_MAX_GRANTS       PV_IOCTL('G', 3, 4)
#define IOCTL_GNTDEV_SET_UNMAP_NOTIFY     PV_IOCTL('G', 7, 16)
#define IOCTL_GNTDEV_GRANT_COPY           PV_IOCTL('G', 8, 8)

// ioctl_gntdev_unmap_notify.action: what happens to the byte at `index` and to the port when the
// mapping goes, however it goes.
#define UNMAP_NOTIFY_CLEAR_BYTE 0x1
#define UNMAP_NOTIFY_SEND_EVENT 0x2

#ifndef PV_ASSEMBLY

struct ioctl_gntdev_grant_ref {
    uint32_t domid;
    uint32_t ref;
};
PV_STRUCT(ioctl_gntdev_grant_ref, 8);

// refs[] goes on for `count` elements.
struct ioctl_gntdev_map_grant_ref {
    uint32_t count;
    uint32_t pad;
    uint64_t index;
    struct ioctl_gntdev_grant_ref refs[1];
};
PV_STRUCT(ioctl_gntdev_map_grant_ref, 24);
PV_OFFSET(ioctl_gntdev_map_grant_ref, refs, 16);

struct ioctl_gntdev_unmap_grant_ref {
    uint64_t index;
    uint32_t count;
    uint32_t pad;
};
PV_STRUCT(ioctl_gntdev_unmap_grant_ref, 16);

struct ioctl_gntdev_get_offset_for_vaddr {
    uint64_t vaddr;
    uint64_t offset;
    uint32_t count;
    uint32_t pad;
};
PV_STRUCT(ioctl_gntdev_get_offset_for_vaddr, 24);

struct ioctl_gntdev_set_max_grants {
    uint32_t count;
};
PV_STRUCT(ioctl_gntdev_set_max_grants, 4);

struct ioctl_gntdev_unmap_notify {
    uint64_t index;
    uint32_t action;  // UNMAP_NOTIFY_*
    uint32_t event_channel_port;
};
PV_STRUCT(ioctl_gntdev_unmap_notify, 16);

// One copy; each side is an address of the program or (GNTCOPY_*_gref) a grant. status: GNTST_*.
struct ioctl_gntdev_grant_copy_segment {
    union {
        void *virt;
        struct {
            uint32_t ref;
            uint16_t offset;
            uint16_t domid;
        } foreign;
    } source, dest;
    uint16_t len;
    uint16_t flags;
    int16_t status;
};
PV_STRUCT(ioctl_gntdev_grant_copy_segment, 24);

struct ioctl_gntdev_grant_copy {
    uint32_t count;
    struct ioctl_gntdev_grant_copy_segment *segments;
};
PV_STRUCT(ioctl_gntdev_grant_copy, 8);

#endif  // PV_ASSEMBLY
#endif  // PV_SYS_GNTDEV_H
