// SPDX-License-Identifier: MIT
// Feature bits: what XENVER_get_features reports and ELF notes ask for. "!name" in a kernel's note
// requires the feature.
#ifndef PV_FEATURES_H
#define PV_FEATURES_H

#define XENFEAT_writable_page_tables       0  // the guest need not keep its tables read-only
#define XENFEAT_writable_descriptor_tables 1  // nor its descriptor tables
#define XENFEAT_auto_translated_physmap    2  // frame numbers are pseudo-physical everywhere
#define XENFEAT_supervisor_mode_kernel     3  // the kernel runs in ring 0
#define XENFEAT_pae_pgdir_above_4gb        4  // root tables may lie above 4 GiB
#define XENFEAT_mmu_pt_update_preserve_ad  5  // MMU_PT_UPDATE_PRESERVE_AD is understood
#define XENFEAT_highmem_assist             6
#define XENFEAT_gnttab_map_avail_bits      7  // GNTMAP_guest_avail* reach the entry
#define XENFEAT_hvm_callback_vector        8
#define XENFEAT_hvm_safe_pvclock           9
#define XENFEAT_hvm_pirqs                  10
#define XENFEAT_dom0                       11  // the kernel can be domain 0
#define XENFEAT_memory_op_vnode_supported  13
#define XENFEAT_ARM_SMCCC_supported        14
#define XENFEAT_linux_rsdp_unrestricted    15
#define XENFEAT_not_direct_mapped          16
#define XENFEAT_direct_mapped              17

#define XENFEAT_NR_SUBMAPS 1

#endif  // PV_FEATURES_H
