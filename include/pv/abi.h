// SPDX-License-Identifier: MIT
// What every header of the paravirtual ABI leans on: fixed-width types, guest handles, and the
// assertion that pins a structure to its published layout.
//
// The numbers, names and layouts are those of Xen's public x86_32 PAE interface, 4.17. All
// structures have the layout the i386 System V ABI gives them (a 64-bit member aligns to four
// bytes) unless a member is spelt `uint64_aligned_t`. They are therefore right only in 32-bit code;
// a 64-bit host program may include the headers for their constants, and the layout assertions then
// stand aside.
#ifndef PV_ABI_H
#define PV_ABI_H

// Assembly sources get the constants only.
#if defined(__ASSEMBLER__) || defined(__ASSEMBLY__)
#define PV_ASSEMBLY 1
#endif

#ifndef PV_ASSEMBLY

#include <stddef.h>
#include <stdint.h>

#if __SIZEOF_POINTER__ == 4
#define PV_LAYOUT(condition) (condition)
#else
#define PV_LAYOUT(condition) 1
#endif

#ifdef __cplusplus
#define PV_ASSERT(condition) static_assert(PV_LAYOUT(condition), #condition)
#else
#define PV_ASSERT(condition) _Static_assert(PV_LAYOUT(condition), #condition)
#endif

// Closes a structure: names it `NAME_t` as well and pins its size in bytes.
#define PV_STRUCT(name, bytes)    \
    typedef struct name name##_t; \
    PV_ASSERT(sizeof(struct name) == (bytes))

// Pins one member's offset in bytes.
#define PV_OFFSET(name, member, bytes) PV_ASSERT(offsetof(struct name, member) == (bytes))

// The machine word of a 32-bit guest, and a frame number (4 KiB frames; machine or pseudo-physical
// as the member says).
typedef uint32_t xen_ulong_t;
typedef uint32_t xen_pfn_t;

typedef uint16_t domid_t;
typedef uint32_t evtchn_port_t;
typedef uint32_t grant_ref_t;
typedef uint8_t xen_domain_handle_t[16];

// 64-bit members of the toolstack's calls align to eight bytes, so that they look alike to 32-bit
// and 64-bit callers.
typedef uint64_t uint64_aligned_t __attribute__((aligned(8)));
typedef int64_t int64_aligned_t __attribute__((aligned(8)));

// A guest handle is a virtual address in the caller's address space. The hypervisor must never
// follow one as it stands: it checks the range, then copies.
#define XEN_GUEST_HANDLE(type) type *

// The same, in a slot of eight bytes: the upper half must be zero, which is what
// set_xen_guest_handle_64 sees to.
#define XEN_GUEST_HANDLE_64(type) \
    union {                       \
        type *p;                  \
        uint64_aligned_t q;       \
    }
#define set_xen_guest_handle_64(handle, pointer) \
    do {                                         \
        (handle).q = 0;                          \
        (handle).p = (pointer);                  \
    } while (0)

#endif  // PV_ASSEMBLY
#endif  // PV_ABI_H
