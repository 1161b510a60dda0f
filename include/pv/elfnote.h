// SPDX-License-Identifier: MIT
// ELF notes of a paravirtual kernel, owner name "Xen". A value is a string or a 4- or 8-byte
// number.
#ifndef PV_ELFNOTE_H
#define PV_ELFNOTE_H

#define XEN_ELFNOTE_INFO               0
#define XEN_ELFNOTE_ENTRY              1   // number: virtual address of the entry point
#define XEN_ELFNOTE_HYPERCALL_PAGE     2   // number: virtual address of the page the stubs go to
#define XEN_ELFNOTE_VIRT_BASE          3   // number: virtual address of pseudo-physical 0
#define XEN_ELFNOTE_PADDR_OFFSET       4   // number: added to the program headers' p_paddr
#define XEN_ELFNOTE_XEN_VERSION        5   // string: "xen-3.0"
#define XEN_ELFNOTE_GUEST_OS           6   // string
#define XEN_ELFNOTE_GUEST_VERSION      7   // string
#define XEN_ELFNOTE_LOADER             8   // string: "generic"
#define XEN_ELFNOTE_PAE_MODE           9   // string: "yes", "no", "bimodal", "yes[extended-cr3]"
#define XEN_ELFNOTE_FEATURES           10  // string: feature names by '|', '!' = required
#define XEN_ELFNOTE_BSD_SYMTAB         11  // string: "yes"
#define XEN_ELFNOTE_HV_START_LOW       12  // number: lowest address the hypervisor may begin at
#define XEN_ELFNOTE_L1_MFN_VALID       13  // pairs mask, value: when an entry holds a machine frame
#define XEN_ELFNOTE_SUSPEND_CANCEL     14  // number
#define XEN_ELFNOTE_INIT_P2M           15  // number: virtual address for the p2m list
#define XEN_ELFNOTE_MOD_START_PFN      16  // number: 1 = initrd by frame number, unmapped
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17  // number: bits of XENFEAT_*
#define XEN_ELFNOTE_PHYS32_ENTRY       18  // number: physical entry point for PVH
#define XEN_ELFNOTE_MAX                XEN_ELFNOTE_PHYS32_ENTRY

#endif  // PV_ELFNOTE_H
