// SPDX-License-Identifier: MIT
// The block device protocol: requests of a front end (blkfront) to a back end (blkback) over a
// ring. Sectors count 512 bytes whatever the device's own sector size; a segment is part of one
// granted page.
#ifndef PV_IO_BLKIF_H
#define PV_IO_BLKIF_H

#include "../grant_table.h"
#include "ring.h"

#define BLKIF_OP_READ            0
#define BLKIF_OP_WRITE           1
#define BLKIF_OP_WRITE_BARRIER   2  // with `feature-barrier`
#define BLKIF_OP_FLUSH_DISKCACHE 3  // with `feature-flush-cache`
#define BLKIF_OP_RESERVED_1      4
#define BLKIF_OP_DISCARD         5  // with `feature-discard`
#define BLKIF_OP_INDIRECT        6  // with `feature-max-indirect-segments`

#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8
#define BLKIF_DISCARD_SECURE                 (1 << 0)

#define BLKIF_RSP_EOPNOTSUPP (-2)
#define BLKIF_RSP_ERROR      (-1)
#define BLKIF_RSP_OKAY       0

// The back end's `info` node.
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

#ifndef PV_ASSEMBLY

typedef uint16_t blkif_vdev_t;
typedef uint64_t blkif_sector_t;

// Sectors first_sect to last_sect (0-7, inclusive) of a granted page.
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect;
};
PV_STRUCT(blkif_request_segment, 8);

struct blkif_request {
    uint8_t operation;    // BLKIF_OP_*
    uint8_t nr_segments;  // at most BLKIF_MAX_SEGMENTS_PER_REQUEST
    blkif_vdev_t handle;
    uint64_t id;  // the front end's, echoed
    blkif_sector_t sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
PV_STRUCT(blkif_request, 108);
PV_OFFSET(blkif_request, id, 4);
PV_OFFSET(blkif_request, seg, 20);

// The same slot when operation is BLKIF_OP_DISCARD.
struct blkif_request_discard {
    uint8_t operation;
    uint8_t flag;  // BLKIF_DISCARD_*
    blkif_vdev_t handle;
    uint64_t id;
    blkif_sector_t sector_number;
    uint64_t nr_sectors;
};
PV_STRUCT(blkif_request_discard, 28);
PV_OFFSET(blkif_request_discard, nr_sectors, 20);

// When it is BLKIF_OP_INDIRECT: the segments are in granted pages, 512 to a page, each in 8 bytes.
struct blkif_request_indirect {
    uint8_t operation;
    uint8_t indirect_op;  // BLKIF_OP_READ or _WRITE
    uint16_t nr_segments;
    uint64_t id;
    blkif_sector_t sector_number;
    blkif_vdev_t handle;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
    uint64_t pad;
};
PV_STRUCT(blkif_request_indirect, 64);
PV_OFFSET(blkif_request_indirect, indirect_grefs, 24);

struct blkif_response {
    uint64_t id;
    uint8_t operation;
    int16_t status;  // BLKIF_RSP_*
};
PV_STRUCT(blkif_response, 12);
PV_OFFSET(blkif_response, status, 10);

PV_RING_TYPES(blkif, struct blkif_request, struct blkif_response);

#endif  // PV_ASSEMBLY
#endif  // PV_IO_BLKIF_H
