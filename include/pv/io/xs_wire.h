// SPDX-License-Identifier: MIT
// xenstore's wire protocol, over a shared page or a unix socket: a header, then `len` bytes of
// payload, mostly strings each ended by NUL. A reply carries the request's type and req_id, or
// XS_ERROR and the name of an error.
#ifndef PV_IO_XS_WIRE_H
#define PV_IO_XS_WIRE_H

#include "../abi.h"

// xsd_sockmsg.type; beside each: request -> reply.
#define XS_CONTROL              0  // command|... -> text
#define XS_DEBUG                XS_CONTROL
#define XS_DIRECTORY            1   // path| -> name|...
#define XS_READ                 2   // path| -> value
#define XS_GET_PERMS            3   // path| -> permission|...
#define XS_WATCH                4   // path|token|
#define XS_UNWATCH              5   // path|token|
#define XS_TRANSACTION_START    6   // | -> id|
#define XS_TRANSACTION_END      7   // T| commit, F| abort; EAGAIN: start again
#define XS_INTRODUCE            8   // domid|gfn|port|
#define XS_RELEASE              9   // domid|
#define XS_GET_DOMAIN_PATH      10  // domid| -> path|
#define XS_WRITE                11  // path|value
#define XS_MKDIR                12  // path|
#define XS_RM                   13  // path|
#define XS_SET_PERMS            14  // path|permission|...
#define XS_WATCH_EVENT          15  // unasked: path|token|
#define XS_ERROR                16  // reply: error|
#define XS_IS_DOMAIN_INTRODUCED 17  // domid| -> T| or F|
#define XS_RESUME               18  // domid|
#define XS_SET_TARGET           19  // domid|target|
#define XS_RESET_WATCHES        21  // |
#define XS_DIRECTORY_PART       22  // path|offset -> generation|name|...
#define XS_TYPE_COUNT           23
#define XS_INVALID              0xffff

// Index of the strings in a watch event.
#define XS_WATCH_PATH  0
#define XS_WATCH_TOKEN 1

// Limits in bytes; paths with their NUL.
#define XENSTORE_RING_SIZE    1024
#define XENSTORE_PAYLOAD_MAX  4096
#define XENSTORE_ABS_PATH_MAX 3072
#define XENSTORE_REL_PATH_MAX 2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION 1
#define XENSTORE_SERVER_FEATURE_ERROR        2

// xenstore_domain_interface.connection
#define XENSTORE_CONNECTED 0
#define XENSTORE_RECONNECT 1

// xenstore_domain_interface.error: why the server hung up.
#define XENSTORE_ERROR_NONE    0
#define XENSTORE_ERROR_COMM    1
#define XENSTORE_ERROR_RINGIDX 2
#define XENSTORE_ERROR_PROTO   3

#ifndef PV_ASSEMBLY

typedef uint32_t XENSTORE_RING_IDX;

#define MASK_XENSTORE_IDX(index) ((index) & (XENSTORE_RING_SIZE - 1))

struct xsd_sockmsg {
    uint32_t type;    // XS_*
    uint32_t req_id;  // the client's, echoed
    uint32_t tx_id;   // transaction, 0 = none
    uint32_t len;     // of what follows
};
PV_STRUCT(xsd_sockmsg, 16);
PV_OFFSET(xsd_sockmsg, len, 12);

// The store page. Rings as in the console page: `req` away from the guest, `rsp` towards it.
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE];
    char rsp[XENSTORE_RING_SIZE];
    XENSTORE_RING_IDX req_cons, req_prod;
    XENSTORE_RING_IDX rsp_cons, rsp_prod;
    uint32_t server_features;
    uint32_t connection;
    uint32_t error;
};
PV_STRUCT(xenstore_domain_interface, 2076);
PV_OFFSET(xenstore_domain_interface, req_cons, 2048);
PV_OFFSET(xenstore_domain_interface, error, 2072);

#endif  // PV_ASSEMBLY
#endif  // PV_IO_XS_WIRE_H
