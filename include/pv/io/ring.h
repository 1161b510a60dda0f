// SPDX-License-Identifier: MIT
// Shared rings of requests and responses: the header that both sides see, and its slots.
//
//      slot:   rsp_cons          rsp_prod            req_cons           req_prod
//                 |  responses      |   being worked on  |  requests       |
//      ... free   | the front has   |   by the back      | the back has    |  free ...
//                 | not read        |                    | not read        |
//
// A response takes the slot of a request already read. Indices run freely, modulo 2^32; a slot is
// index modulo the number of slots, which is a power of two. *_event asks to be notified when the
// index of that name reaches it. ring.hpp has both ends as C++ classes.
#ifndef PV_IO_RING_H
#define PV_IO_RING_H

#include "../abi.h"

#ifndef PV_ASSEMBLY

typedef uint32_t RING_IDX;

// Declares union NAME_sring_entry and struct NAME_sring, 64 bytes of header before the first slot.
#define PV_RING_TYPES(name, request, response) \
    union name##_sring_entry {                 \
        request req;                           \
        response rsp;                          \
    };                                         \
    struct name##_sring {                      \
        RING_IDX req_prod, req_event;          \
        RING_IDX rsp_prod, rsp_event;          \
        union {                                \
            uint8_t pvt_pad[4];                \
        } pvt;                                 \
        uint8_t __pad[44];                     \
        union name##_sring_entry ring[1];      \
    };                                         \
    PV_OFFSET(name##_sring, ring, 64)

// The largest power of two that is not above n (n in [1, 2^31]).
#define PV_RING_FLOOR2_1(n)  ((n) | ((n) >> 1))
#define PV_RING_FLOOR2_2(n)  (PV_RING_FLOOR2_1(n) | (PV_RING_FLOOR2_1(n) >> 2))
#define PV_RING_FLOOR2_4(n)  (PV_RING_FLOOR2_2(n) | (PV_RING_FLOOR2_2(n) >> 4))
#define PV_RING_FLOOR2_8(n)  (PV_RING_FLOOR2_4(n) | (PV_RING_FLOOR2_4(n) >> 8))
#define PV_RING_FLOOR2_16(n) (PV_RING_FLOOR2_8(n) | (PV_RING_FLOOR2_8(n) >> 16))
#define PV_RING_FLOOR2(n)    (PV_RING_FLOOR2_16(n) - (PV_RING_FLOOR2_16(n) >> 1))

// Slots of a ring of that kind in an area of so many bytes.
#define PV_RING_SLOTS(name, bytes) PV_RING_FLOOR2(((uint32_t)(bytes)-64) / (uint32_t)sizeof(union name##_sring_entry))

#endif  // PV_ASSEMBLY
#endif  // PV_IO_RING_H
