// SPDX-License-Identifier: MIT
// The network device protocol: two rings, tx (front to back) and rx (buffers to the back, packets
// to the front). A packet takes one or more slots in a row; a slot may be an extra_info instead.
#ifndef PV_IO_NETIF_H
#define PV_IO_NETIF_H

#include "../grant_table.h"
#include "ring.h"

// A back end accepts packets of at least so many slots, and so many bytes.
#define XEN_NETIF_NR_SLOTS_MIN 18
#define XEN_NETIF_MAX_TX_SIZE  0xFFFF

// netif_tx_request.flags
#define _NETTXF_csum_blank     0  // checksum to be filled in
#define NETTXF_csum_blank      (1 << _NETTXF_csum_blank)
#define _NETTXF_data_validated 1  // or known to be good
#define NETTXF_data_validated  (1 << _NETTXF_data_validated)
#define _NETTXF_more_data      2  // the packet goes on in the next slot
#define NETTXF_more_data       (1 << _NETTXF_more_data)
#define _NETTXF_extra_info     3  // a netif_extra_info follows
#define NETTXF_extra_info      (1 << _NETTXF_extra_info)

// netif_rx_response.flags
#define _NETRXF_data_validated 0
#define NETRXF_data_validated  (1 << _NETRXF_data_validated)
#define _NETRXF_csum_blank     1
#define NETRXF_csum_blank      (1 << _NETRXF_csum_blank)
#define _NETRXF_more_data      2
#define NETRXF_more_data       (1 << _NETRXF_more_data)
#define _NETRXF_extra_info     3
#define NETRXF_extra_info      (1 << _NETRXF_extra_info)
#define _NETRXF_gso_prefix     4
#define NETRXF_gso_prefix      (1 << _NETRXF_gso_prefix)

// netif_extra_info.type and .flags
#define XEN_NETIF_EXTRA_TYPE_NONE      0
#define XEN_NETIF_EXTRA_TYPE_GSO       1
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD 2
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL 3
#define XEN_NETIF_EXTRA_TYPE_HASH      4
#define XEN_NETIF_EXTRA_TYPE_MAX       5
#define _XEN_NETIF_EXTRA_FLAG_MORE     0  // another one follows
#define XEN_NETIF_EXTRA_FLAG_MORE      (1 << _XEN_NETIF_EXTRA_FLAG_MORE)

#define XEN_NETIF_GSO_TYPE_NONE  0
#define XEN_NETIF_GSO_TYPE_TCPV4 1
#define XEN_NETIF_GSO_TYPE_TCPV6 2

// Status of a response; a non-negative rx status is the bytes in that slot.
#define NETIF_RSP_DROPPED (-2)
#define NETIF_RSP_ERROR   (-1)
#define NETIF_RSP_OKAY    0
#define NETIF_RSP_NULL    1  // answers an extra_info

#ifndef PV_ASSEMBLY

struct netif_tx_request {
    grant_ref_t gref;
    uint16_t offset;  // in the page
    uint16_t flags;   // NETTXF_*
    uint16_t id;      // the front end's, echoed
    uint16_t size;    // first slot: of the whole packet, others: of the slot
};
PV_STRUCT(netif_tx_request, 12);
PV_OFFSET(netif_tx_request, size, 10);

struct netif_extra_info {
    uint8_t type;   // XEN_NETIF_EXTRA_TYPE_*
    uint8_t flags;  // XEN_NETIF_EXTRA_FLAG_*
    union {
        struct {
            uint16_t size;  // of a segment's payload
            uint8_t type;   // XEN_NETIF_GSO_TYPE_*
            uint8_t pad;
            uint16_t features;
        } gso;
        struct {
            uint8_t addr[6];
        } mcast;
        struct {
            uint8_t type;
            uint8_t algorithm;
            uint8_t value[4];
        } hash;
        uint16_t pad[3];
    } u;
};
PV_STRUCT(netif_extra_info, 8);
PV_OFFSET(netif_extra_info, u, 2);

struct netif_tx_response {
    uint16_t id;
    int16_t status;  // NETIF_RSP_*
};
PV_STRUCT(netif_tx_response, 4);

// A page for the back end to copy a packet to.
struct netif_rx_request {
    uint16_t id;
    uint16_t pad;
    grant_ref_t gref;
};
PV_STRUCT(netif_rx_request, 8);
PV_OFFSET(netif_rx_request, gref, 4);

struct netif_rx_response {
    uint16_t id;
    uint16_t offset;  // of the data in the page
    uint16_t flags;   // NETRXF_*
    int16_t status;
};
PV_STRUCT(netif_rx_response, 8);
PV_OFFSET(netif_rx_response, status, 6);

PV_RING_TYPES(netif_tx, struct netif_tx_request, struct netif_tx_response);
PV_RING_TYPES(netif_rx, struct netif_rx_request, struct netif_rx_response);

#endif  // PV_ASSEMBLY
#endif  // PV_IO_NETIF_H
