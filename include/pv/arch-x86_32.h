// SPDX-License-Identifier: MIT
// The part of the ABI that belongs to a 32-bit PAE x86 processor: selectors, the address-space
// hole, registers, traps, and a virtual processor's start state.
#ifndef PV_ARCH_X86_32_H
#define PV_ARCH_X86_32_H

#include "abi.h"

// Flat selectors that every guest may load without a table of its own; the hypervisor keeps their
// descriptors in the reserved end of each GDT. The kernel runs in ring 1, programs in ring 3.
#define FLAT_RING1_CS 0xe019
#define FLAT_RING1_DS 0xe021
#define FLAT_RING1_SS 0xe021
#define FLAT_RING3_CS 0xe02b
#define FLAT_RING3_DS 0xe033
#define FLAT_RING3_SS 0xe033

#define FLAT_KERNEL_CS FLAT_RING1_CS
#define FLAT_KERNEL_DS FLAT_RING1_DS
#define FLAT_KERNEL_SS FLAT_RING1_SS
#define FLAT_USER_CS   FLAT_RING3_CS
#define FLAT_USER_DS   FLAT_RING3_DS
#define FLAT_USER_SS   FLAT_RING3_SS

// A guest's GDT has up to 14 pages; entries from this one on are the hypervisor's.
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

// From here up the address space is not the guest's. The machine-to-physical table begins there:
// an array of 32-bit words indexed by machine frame, read-only, 4 Mi entries at most.
#define HYPERVISOR_VIRT_START 0xF5800000
#define MACH2PHYS_VIRT_START  0xF5800000
#define MACH2PHYS_VIRT_END    0xF6800000
#define MACH2PHYS_NR_ENTRIES  ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 2)

// shared_info has room for so many virtual processors; more need VCPUOP_register_vcpu_info.
#define XEN_LEGACY_MAX_VCPUS 32

// trap_info.flags: bits 0-1 are the least privileged ring that may raise the vector with `int`, bit
// 2 asks for events masked on entry.
#define TI_GET_DPL(ti)      ((ti)->flags & 3)
#define TI_GET_IF(ti)       ((ti)->flags & 4)
#define TI_SET_DPL(ti, dpl) ((ti)->flags |= (dpl))
#define TI_SET_IF(ti, if)   ((ti)->flags |= ((!!(if)) << 2))

// vcpu_guest_context.flags, bit numbers and masks.
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid)
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel)
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online)
#define VGCF_I387_VALID                VGCF_i387_valid
#define VGCF_IN_KERNEL                 VGCF_in_kernel

// ud2 followed by the letters "xen": the instruction after it is emulated by the hypervisor. Used
// before cpuid, so that a guest learns what it may use rather than what the machine has.
#ifdef PV_ASSEMBLY
#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

// Port that a development hypervisor prints bytes from.
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#ifndef PV_ASSEMBLY

// set_trap_table: an array of these ends with one whose address is 0. `cs:address` is the handler.
struct trap_info {
    uint8_t vector;
    uint8_t flags;  // TI_*
    uint16_t cs;
    uint32_t address;
};
PV_STRUCT(trap_info, 8);
PV_OFFSET(trap_info, address, 4);

// Registers as saved, in the order of the frame; each selector fills the low half of its word.
// saved_upcall_mask is the event mask of the interrupted context.
struct cpu_user_regs {
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
    uint32_t esi;
    uint32_t edi;
    uint32_t ebp;
    uint32_t eax;
    uint16_t error_code;
    uint16_t entry_vector;
    uint32_t eip;
    uint16_t cs;
    uint8_t saved_upcall_mask;
    uint8_t _pad0;
    uint32_t eflags;
    uint32_t esp;
    uint16_t ss, _pad1;
    uint16_t es, _pad2;
    uint16_t ds, _pad3;
    uint16_t fs, _pad4;
    uint16_t gs, _pad5;
};
PV_STRUCT(cpu_user_regs, 68);
PV_OFFSET(cpu_user_regs, eip, 32);
PV_OFFSET(cpu_user_regs, gs, 64);

// cr3 as a guest sees it, holding a frame number of up to 32 bits: the low 20 bits of the frame
// above, its high 12 bits where the processor has flags.
static inline uint32_t xen_pfn_to_cr3(xen_pfn_t pfn) { return (pfn << 12) | (pfn >> 20); }
static inline xen_pfn_t xen_cr3_to_pfn(uint32_t cr3) { return (cr3 >> 12) | (cr3 << 20); }

// Page-fault address of the last page fault delivered to this virtual processor.
struct arch_vcpu_info {
    uint32_t cr2;
    uint32_t pad[5];
};
PV_STRUCT(arch_vcpu_info, 24);

// A far code pointer in ring 1.
struct xen_callback {
    uint32_t cs;
    uint32_t eip;
};
PV_STRUCT(xen_callback, 8);

// A virtual processor's complete state: VCPUOP_initialise and the domctl calls that get and set it.
// gdt_frames are machine frames, enough for gdt_ents entries; kernel_ss:kernel_sp is the ring-1
// stack; ctrlreg[3] is the root table as xen_pfn_to_cr3 writes it, ctrlreg[2] the page-fault
// address.
struct vcpu_guest_context {
    struct {
        char x[512];  // as FXSAVE stores it
    } fpu_ctxt;
    uint32_t flags;  // VGCF_*
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256];
    uint32_t ldt_base, ldt_ents;
    uint32_t gdt_frames[16], gdt_ents;
    uint32_t kernel_ss, kernel_sp;
    uint32_t ctrlreg[8];
    uint32_t debugreg[8];
    uint32_t event_callback_cs;
    uint32_t event_callback_eip;
    uint32_t failsafe_callback_cs;
    uint32_t failsafe_callback_eip;
    uint32_t vm_assist;  // 1 << VMASST_TYPE_*
};
PV_STRUCT(vcpu_guest_context, 2800);
PV_OFFSET(vcpu_guest_context, user_regs, 516);
PV_OFFSET(vcpu_guest_context, trap_ctxt, 584);
PV_OFFSET(vcpu_guest_context, gdt_frames, 2640);
PV_OFFSET(vcpu_guest_context, ctrlreg, 2716);
PV_OFFSET(vcpu_guest_context, vm_assist, 2796);

// The guest's own account of its memory, for tools that save or inspect it: the frame of the list
// of frames of its p2m, or (p2m_cr3 not 0) the p2m's virtual address. p2m_generation is odd while
// it changes. wc_sec_hi extends shared_info.wc_sec to 64 bits.
struct arch_shared_info {
    uint32_t max_pfn;
    xen_pfn_t pfn_to_mfn_frame_list_list;
    uint32_t nmi_reason;
    uint32_t p2m_cr3;
    uint32_t p2m_vaddr;
    uint32_t p2m_generation;
    uint32_t wc_sec_hi;
};
PV_STRUCT(arch_shared_info, 28);
PV_OFFSET(arch_shared_info, wc_sec_hi, 24);

#endif  // PV_ASSEMBLY
#endif  // PV_ARCH_X86_32_H
