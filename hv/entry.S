// SPDX-License-Identifier: MIT
// Into the hypervisor and back. C++ functions take their first three arguments in eax, edx and ecx (Makefile, kernel_abi).
//
//   ring 1/3 --trap--> [Vcpu::regs]  frame complete here --> cpu_stack_top: trap_from_guest(regs)
//                                                                   |
//            <--iret-- [Vcpu::regs of whom to run] <------ prepare_return()
//
// TSS.esp0 is the end of the current vCPU's regs, so the processor itself stores a guest's frame where it belongs. What
// interrupts ring 0 (an interrupt in the idle loop, a fault on guest memory, NMI) builds its frame below the interrupted
// stack pointer. That may be regs itself for the few instructions at both ends of this file, so memory below regs is
// reserved (domain.cpp, entry_red_zone) and the handler runs on the processor's stack, which is then still empty.
#include <hv/exception_table.hpp>

#define HYPERVISOR_DS 0xe010
// struct GuestRegs (regs.hpp)
#define REGS_DS     28
#define REGS_ES     32
#define REGS_FS     36
#define REGS_GS     40
#define REGS_VECTOR 44
#define REGS_CS     56
#define CPU_STACK_BYTES 16384

    .bss
    .balign 4096
    .globl cpu_stack, cpu_stack_top, double_fault_stack_top
cpu_stack:
    .skip CPU_STACK_BYTES
cpu_stack_top:
    .skip 4096
double_fault_stack_top:

    .text
    .macro save_registers
    cld
    push %gs
    push %fs
    push %es
    push %ds
    push %eax
    push %ebp
    push %edi
    push %esi
    push %edx
    push %ecx
    push %ebx
    mov $HYPERVISOR_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %esp, %eax
    .endm

// --- one stub for each vector that the hypervisor handles --------------------------------------------------------

    .macro stub vector, has_error
    .balign 16
trap_stub_\vector:
    .if \has_error == 0
    push $0
    .endif
    push $\vector
    jmp trap_entry
    .pushsection .rodata.trap_stubs, "a"
    .long trap_stub_\vector
    .popsection
    .endm

    .pushsection .rodata.trap_stubs, "a"
    .balign 4
    .globl trap_stubs
trap_stubs:
    .popsection
    .altmacro
    .macro stubs from, to
    .set v, \from
    .rept \to - \from + 1
    .if v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30
    stub %v, 1
    .else
    stub %v, 0
    .endif
    .set v, v + 1
    .endr
    .endm
    stubs 0, 255

trap_entry:
    save_registers
    testb $3, REGS_CS(%esp)
    jz trap_ring0
    mov $cpu_stack_top, %esp
    call trap_from_guest

    .globl exit_to_guest
exit_to_guest:
    mov $HYPERVISOR_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov $cpu_stack_top, %esp
    xor %ebp, %ebp
    call prepare_return             // never returns without somebody to run
    mov %eax, %esp
restore_guest:
    // A selector that the guest has since made invalid faults here, in ring 0: guest_return_faulted() deals with it.
    .globl guest_segments_begin, guest_segments_end, guest_iret
guest_segments_begin:
    mov REGS_GS(%esp), %gs
    mov REGS_FS(%esp), %fs
    mov REGS_ES(%esp), %es
    mov REGS_DS(%esp), %ds
guest_segments_end:
    pop %ebx
    pop %ecx
    pop %edx
    pop %esi
    pop %edi
    pop %ebp
    pop %eax
    add $24, %esp                   // ds es fs gs vector error
guest_iret:
    iret

// --- from ring 0 itself ------------------------------------------------------------------------------------------

trap_ring0:
    cmp $cpu_stack, %esp
    jb 1f
    cmp $cpu_stack_top, %esp
    jbe 2f
1:  mov $cpu_stack_top, %esp
2:  push %eax                       // the frame: where to go back to
    call trap_from_ring0
    pop %esp
    pop %ebx
    pop %ecx
    pop %edx
    pop %esi
    pop %edi
    pop %ebp
    pop %eax
    // Interrupted at the very edge of the hypervisor these are a guest's selectors; one that has become invalid is null.
    .irp segment, ds, es, fs, gs
1:  pop %\segment
    .subsection 1
2:  movl $0, %ss:(%esp)
    jmp 1b
    .previous
    EX_TABLE(1b, 2b)
    .endr
    add $8, %esp
    iret

// --- hypercalls --------------------------------------------------------------------------------------------------

    .balign 16
    .globl hypercall_entry
hypercall_entry:
    push $0
    push $0x82
    save_registers
    mov $cpu_stack_top, %esp
    call hypercall_from_guest
    jmp exit_to_guest

// --- double fault: a task of its own, for the stack may be the reason -----------------------------------------------

    .globl double_fault_entry
double_fault_entry:
    cld
    call double_fault_in_ring0
1:  hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
