// SPDX-License-Identifier: MIT
// The console page: two byte rings, `in` towards the guest and `out` away from it.
// Indices run freely and are masked on use; a ring is empty when they are equal and full when they
// differ by its size. The producer writes the bytes, a barrier, its index, and notifies.
#ifndef PV_IO_CONSOLE_H
#define PV_IO_CONSOLE_H

#include "../abi.h"

#ifndef PV_ASSEMBLY

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(index, ring) ((index) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024];
    char out[2048];
    XENCONS_RING_IDX in_cons, in_prod;
    XENCONS_RING_IDX out_cons, out_prod;
};
PV_STRUCT(xencons_interface, 3088);
PV_OFFSET(xencons_interface, in_cons, 3072);
PV_OFFSET(xencons_interface, out_prod, 3084);

#endif  // PV_ASSEMBLY
#endif  // PV_IO_CONSOLE_H
