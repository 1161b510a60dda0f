// SPDX-License-Identifier: MIT
// xen_version(XENVER_*, argument): who the hypervisor is and what it can.
#ifndef PV_VERSION_H
#define PV_VERSION_H

#include "abi.h"
#include "features.h"

#define XENVER_version             0  // no argument; result major << 16 | minor
#define XENVER_extraversion        1  // xen_extraversion_t
#define XENVER_compile_info        2
#define XENVER_capabilities        3   // xen_capabilities_info_t: words such as "xen-3.0-x86_32p"
#define XENVER_changeset           4   // xen_changeset_info_t
#define XENVER_platform_parameters 5   // xen_platform_parameters
#define XENVER_get_features        6   // xen_feature_info
#define XENVER_pagesize            7   // no argument; bytes
#define XENVER_guest_handle        8   // xen_domain_handle_t
#define XENVER_commandline         9   // xen_commandline_t
#define XENVER_build_id            10  // uint32_t length, then so many bytes; result: bytes needed

#define XEN_EXTRAVERSION_LEN      16
#define XEN_CAPABILITIES_INFO_LEN 1024
#define XEN_CHANGESET_INFO_LEN    64

#ifndef PV_ASSEMBLY

typedef char xen_extraversion_t[XEN_EXTRAVERSION_LEN];
typedef char xen_capabilities_info_t[XEN_CAPABILITIES_INFO_LEN];
typedef char xen_changeset_info_t[XEN_CHANGESET_INFO_LEN];
typedef char xen_commandline_t[1024];

struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
PV_STRUCT(xen_compile_info, 144);

// First address that is not the guest's.
struct xen_platform_parameters {
    xen_ulong_t virt_start;
};
PV_STRUCT(xen_platform_parameters, 4);

// submap: bits 32 * submap_idx and up of the features.
struct xen_feature_info {
    uint32_t submap_idx;
    uint32_t submap;
};
PV_STRUCT(xen_feature_info, 8);

#endif  // PV_ASSEMBLY
#endif  // PV_VERSION_H
