// SPDX-License-Identifier: MIT
// The core of the paravirtual ABI: what a guest is given at its start, the page it shares with the
// hypervisor, and the calls on page tables.
#ifndef PV_XEN_H
#define PV_XEN_H

#include "abi.h"
#include "arch-x86_32.h"
#include "hypercalls.h"

// Virtual interrupts, bound by EVTCHNOP_bind_virq. TIMER, DEBUG, XENOPROF and XENPMU belong to one
// virtual processor each; the others are the machine's and go to the control domain.
#define VIRQ_TIMER      0
#define VIRQ_DEBUG      1
#define VIRQ_CONSOLE    2
#define VIRQ_DOM_EXC    3
#define VIRQ_TBUF       4
#define VIRQ_DEBUGGER   6
#define VIRQ_XENOPROF   7
#define VIRQ_CON_RING   8
#define VIRQ_PCPU_STATE 9
#define VIRQ_MEM_EVENT  10
#define VIRQ_ARGO       11
#define VIRQ_ENOMEM     12
#define VIRQ_XENPMU     13
#define VIRQ_ARCH_0     16
#define VIRQ_ARCH_1     17
#define VIRQ_ARCH_2     18
#define VIRQ_ARCH_3     19
#define VIRQ_ARCH_4     20
#define VIRQ_ARCH_5     21
#define VIRQ_ARCH_6     22
#define VIRQ_ARCH_7     23
#define NR_VIRQS        24

// mmu_update: the low two bits of `ptr` choose what is written.
#define MMU_NORMAL_PT_UPDATE       0  // the entry at machine address ptr becomes val
#define MMU_MACHPHYS_UPDATE        1  // the m2p entry of the frame at ptr becomes val
#define MMU_PT_UPDATE_PRESERVE_AD  2  // as 0, keeping the entry's accessed and dirty bits
#define MMU_PT_UPDATE_NO_TRANSLATE 3

// mmuext_op commands; beside each, the union members it reads.
#define MMUEXT_PIN_L1_TABLE       0   // mfn
#define MMUEXT_PIN_L2_TABLE       1   // mfn
#define MMUEXT_PIN_L3_TABLE       2   // mfn
#define MMUEXT_PIN_L4_TABLE       3   // mfn (64-bit guests)
#define MMUEXT_UNPIN_TABLE        4   // mfn
#define MMUEXT_NEW_BASEPTR        5   // mfn
#define MMUEXT_TLB_FLUSH_LOCAL    6   // none
#define MMUEXT_INVLPG_LOCAL       7   // linear_addr
#define MMUEXT_TLB_FLUSH_MULTI    8   // vcpumask
#define MMUEXT_INVLPG_MULTI       9   // linear_addr, vcpumask
#define MMUEXT_TLB_FLUSH_ALL      10  // none
#define MMUEXT_INVLPG_ALL         11  // linear_addr
#define MMUEXT_FLUSH_CACHE        12  // none
#define MMUEXT_SET_LDT            13  // linear_addr, nr_ents
#define MMUEXT_NEW_USER_BASEPTR   15  // mfn (64-bit guests)
#define MMUEXT_CLEAR_PAGE         16  // mfn
#define MMUEXT_COPY_PAGE          17  // mfn (to), src_mfn (from)
#define MMUEXT_FLUSH_CACHE_GLOBAL 18
#define MMUEXT_MARK_SUPER         19
#define MMUEXT_UNMARK_SUPER       20

// update_va_mapping: low two bits what to flush; then where, either one of LOCAL and ALL or the
// address of a mask of virtual processors, or'ed with MULTI.
#define UVMF_NONE           0
#define UVMF_TLB_FLUSH      1
#define UVMF_INVLPG         2
#define UVMF_FLUSHTYPE_MASK 3
#define UVMF_MULTI          0
#define UVMF_LOCAL          0
#define UVMF_ALL            4

// console_io(command, bytes, buffer): the emergency console. write gives 0, read the bytes read.
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

// vm_assist(command, type): -EINVAL for a type that is not offered.
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1
#define VMASST_TYPE_4gb_segments         0  // emulate accesses that wrap round a truncated segment
#define VMASST_TYPE_4gb_segments_notify  1  // and tell of each by vector 15
#define VMASST_TYPE_writable_pagetables  2  // emulate stores to page tables
#define VMASST_TYPE_pae_extended_cr3     3  // root tables above 4 GiB
#define VMASST_TYPE_architectural_iopl   4
#define VMASST_TYPE_runstate_update_flag 5  // set XEN_RUNSTATE_UPDATE while the area is being written
#define VMASST_TYPE_m2p_strict           32

// Domain ids from here up have a meaning of their own.
#define DOMID_FIRST_RESERVED 0x7FF0
#define DOMID_SELF           0x7FF0  // the caller
#define DOMID_IO             0x7FF1  // owner of device memory
#define DOMID_XEN            0x7FF2  // owner of the hypervisor's shared pages
#define DOMID_COW            0x7FF3  // owner of pages shared copy-on-write
#define DOMID_INVALID        0x7FF4  // nobody
#define DOMID_IDLE           0x7FFF
#define DOMID_MASK           0x7FFF

// vcpu_time_info.flags
#define XEN_PVCLOCK_TSC_STABLE_BIT (1 << 0)  // readings agree across virtual processors
#define XEN_PVCLOCK_GUEST_STOPPED  (1 << 1)  // the domain was stopped since the guest last cleared it

// start_info.flags
#define SIF_PRIVILEGED      (1 << 0)
#define SIF_INITDOMAIN      (1 << 1)
#define SIF_MULTIBOOT_MOD   (1 << 2)  // mod_start is a list of xen_multiboot_mod_list
#define SIF_MOD_START_PFN   (1 << 3)  // mod_start is a frame number, the module is not mapped
#define SIF_VIRT_P2M_4TOOLS (1 << 4)
#define SIF_PM_MASK         (0xFF << 8)
#define MAX_GUEST_CMDLINE   1024

// dom0_vga_console_info.video_type
#define XEN_VGATYPE_TEXT_MODE_3 0x03
#define XEN_VGATYPE_VESA_LFB    0x23
#define XEN_VGATYPE_EFI_LFB     0x70

#ifndef PV_ASSEMBLY

// mmu_update(array, count, *done, domain). Entries are applied in order; on an error `done` says
// how many were, and the rest were not.
struct mmu_update {
    uint64_t ptr;  // machine address of the entry | MMU_*
    uint64_t val;
};
PV_STRUCT(mmu_update, 16);
PV_OFFSET(mmu_update, val, 8);

// mmuext_op(array, count, *done, domain).
struct mmuext_op {
    uint32_t cmd;  // MMUEXT_*
    union {
        xen_pfn_t mfn;
        uint32_t linear_addr;
    } arg1;
    union {
        uint32_t nr_ents;
        XEN_GUEST_HANDLE(const void) vcpumask;  // 32 bits
        xen_pfn_t src_mfn;
    } arg2;
};
PV_STRUCT(mmuext_op, 12);
PV_OFFSET(mmuext_op, arg2, 8);

// multicall(array, count): each call's result is written to its entry; the multicall itself fails
// only when the array cannot be read or written.
struct multicall_entry {
    xen_ulong_t op, result;
    xen_ulong_t args[6];
};
PV_STRUCT(multicall_entry, 32);
PV_OFFSET(multicall_entry, args, 8);

// The clock of one virtual processor. `version` is odd while it is written; a reader starts again
// when it was odd or has changed. Then, in nanoseconds since the machine started:
//     system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32)
// where a negative tsc_shift shifts right.
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags;
    uint8_t pad1[2];
};
PV_STRUCT(vcpu_time_info, 32);
PV_OFFSET(vcpu_time_info, system_time, 16);
PV_OFFSET(vcpu_time_info, tsc_shift, 28);

// One virtual processor's part of shared_info. The hypervisor sets a bit of evtchn_pending_sel for
// a word of shared_info.evtchn_pending, then evtchn_upcall_pending; it calls the guest only while
// evtchn_upcall_mask is 0, and sets the mask as it does.
struct vcpu_info {
    uint8_t evtchn_upcall_pending;
    uint8_t evtchn_upcall_mask;
    xen_ulong_t evtchn_pending_sel;
    struct arch_vcpu_info arch;
    struct vcpu_time_info time;
};
PV_STRUCT(vcpu_info, 64);
PV_OFFSET(vcpu_info, evtchn_pending_sel, 4);
PV_OFFSET(vcpu_info, arch, 8);
PV_OFFSET(vcpu_info, time, 32);

// The page that a domain and the hypervisor share; both write it, so neither trusts it.
// wc_*: wall-clock seconds and nanoseconds, 1970-01-01 UTC, at system time 0; versioned as the
// clocks are; bits 32-63 of the seconds are arch.wc_sec_hi.
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    xen_ulong_t evtchn_pending[32];
    xen_ulong_t evtchn_mask[32];
    uint32_t wc_version;
    uint32_t wc_sec;
    uint32_t wc_nsec;
    struct arch_shared_info arch;
};
PV_STRUCT(shared_info, 2344);
PV_OFFSET(shared_info, evtchn_pending, 2048);
PV_OFFSET(shared_info, evtchn_mask, 2176);
PV_OFFSET(shared_info, wc_version, 2304);
PV_OFFSET(shared_info, arch, 2316);

// What a guest finds at %esi when it starts, in this order above its virtual base:
//     kernel | initrd | p2m list | start_info | store page | console page | page tables | stack
// each on its own page (domain 0 has no store and no console page), and at least 512 KiB mapped
// beyond, the whole in multiples of 4 MiB. shared_info is a machine *address*, store_mfn and
// console mfn are frames, the rest virtual addresses.
struct start_info {
    char magic[32];  // "xen-<version>-<architecture>", NUL-terminated
    uint32_t nr_pages;
    uint32_t shared_info;
    uint32_t flags;  // SIF_*
    xen_pfn_t store_mfn;
    uint32_t store_evtchn;
    union {
        struct {
            xen_pfn_t mfn;
            uint32_t evtchn;
        } domU;
        struct {
            uint32_t info_off;  // of a dom0_vga_console_info, from this structure's start
            uint32_t info_size;
        } dom0;
    } console;
    uint32_t pt_base;       // the root table
    uint32_t nr_pt_frames;  // page tables, contiguous from pt_base
    uint32_t mfn_list;      // uint32_t p2m[nr_pages]
    uint32_t mod_start;     // initrd
    uint32_t mod_len;       // bytes
    int8_t cmd_line[MAX_GUEST_CMDLINE];
    uint32_t first_p2m_pfn;  // where the p2m list lies, if it is outside the initial mapping
    uint32_t nr_p2m_frames;
};
PV_STRUCT(start_info, 1112);
PV_OFFSET(start_info, shared_info, 36);
PV_OFFSET(start_info, console, 52);
PV_OFFSET(start_info, pt_base, 60);
PV_OFFSET(start_info, mod_len, 76);
PV_OFFSET(start_info, cmd_line, 80);
PV_OFFSET(start_info, first_p2m_pfn, 1104);

// One module of the list that SIF_MULTIBOOT_MOD announces; addresses relative to the module area.
struct xen_multiboot_mod_list {
    uint32_t mod_start;
    uint32_t mod_end;
    uint32_t cmdline;
    uint32_t pad;
};
PV_STRUCT(xen_multiboot_mod_list, 16);

// The screen as the boot loader left it, for domain 0.
struct dom0_vga_console_info {
    uint8_t video_type;  // XEN_VGATYPE_*
    union {
        struct {
            uint16_t font_height;
            uint16_t cursor_x, cursor_y;
            uint16_t rows, columns;
        } text_mode_3;
        struct {
            uint16_t width, height;
            uint16_t bytes_per_line;
            uint16_t bits_per_pixel;
            uint32_t lfb_base;
            uint32_t lfb_size;  // in units of 64 KiB
            uint8_t red_pos, red_size;
            uint8_t green_pos, green_size;
            uint8_t blue_pos, blue_size;
            uint8_t rsvd_pos, rsvd_size;
            uint32_t gbl_caps;
            uint16_t mode_attrs;
            uint16_t pad;
            uint32_t ext_lfb_base;  // bits 32-63 of lfb_base
        } vesa_lfb;
    } u;
};
PV_STRUCT(dom0_vga_console_info, 40);

#endif  // PV_ASSEMBLY
#endif  // PV_XEN_H
