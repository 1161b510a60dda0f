// SPDX-License-Identifier: MIT
// Value of a front end's `protocol` node: which compiler ABI lays out its ring.
#ifndef PV_IO_PROTOCOLS_H
#define PV_IO_PROTOCOLS_H

#define XEN_IO_PROTO_ABI_X86_32 "x86_32-abi"
#define XEN_IO_PROTO_ABI_X86_64 "x86_64-abi"
#define XEN_IO_PROTO_ABI_ARM    "arm-abi"
#if defined(__x86_64__)
#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_64
#else
#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_32
#endif

#endif  // PV_IO_PROTOCOLS_H
