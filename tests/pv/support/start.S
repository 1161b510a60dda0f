// SPDX-License-Identifier: MIT
// A micro-guest from its notes to test_main(), and the entries by which the hypervisor reaches it (guest.hpp).
#include <pv/arch-x86_32.h>
#include <pv/elfnote.h>
#include <pv/hypercalls.h>

#define VIRT_BASE 0xc0000000

    .macro text_note type, value
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  .asciz "\value"
2:  .balign 4
    .popsection
    .endm
    .macro number_note type, value
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 4, \type
    .asciz "Xen"
    .long \value
    .popsection
    .endm
    text_note XEN_ELFNOTE_GUEST_OS, "lodger-test"
    text_note XEN_ELFNOTE_GUEST_VERSION, "1"
    text_note XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
    text_note XEN_ELFNOTE_LOADER, "generic"
    text_note XEN_ELFNOTE_PAE_MODE, "yes"
    text_note XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"
    number_note XEN_ELFNOTE_VIRT_BASE, VIRT_BASE
    number_note XEN_ELFNOTE_PADDR_OFFSET, 0
    number_note XEN_ELFNOTE_ENTRY, start
    number_note XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page

    .section .text.hypercall_page, "ax"
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096

    .bss
    .balign 4096
stack:
    .skip 32768
    .globl kernel_stack_top
kernel_stack_top:

    .text
    .globl start
start:
    cld
    mov $kernel_stack_top, %esp
    push %esi
    call guest_main
    ud2

// --- traps: from both rings, by the hypervisor's bounce frame ----------------------------------------------------
//  | ebx ecx edx esi edi ebp eax ds es vector error eip cs eflags [esp ss] |  struct TrapFrame

    .macro stub vector
trap_\vector:
    .if \vector != 8 && (\vector < 10 || \vector > 14) && \vector != 17
    push $0
    .endif
    push $\vector
    jmp trap_common
    .pushsection .rodata.traps, "a"
    .long trap_\vector
    .popsection
    .endm
    .pushsection .rodata.traps, "a"
    .globl trap_entries
trap_entries:
    .popsection
    .altmacro
    .set v, 0
    .rept 32
    stub %v
    .set v, v + 1
    .endr

    .globl software_trap_entry, event_entry, failsafe_entry
software_trap_entry:                    // any vector above 31 that a test registers
    push $0
    push $0x80
    jmp trap_common
event_entry:
    push $0
    push $0x100
trap_common:
    push %es
    push %ds
    push %eax
    push %ebp
    push %edi
    push %esi
    push %edx
    push %ecx
    push %ebx
    mov $FLAT_KERNEL_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    cld
    push %esp
    call trap_handler
    add $4, %esp
    pop %ebx
    pop %ecx
    pop %edx
    pop %esi
    pop %edi
    pop %ebp
    pop %eax
    pop %ds
    pop %es
    add $8, %esp
    // Through the hypervisor, which loads the event mask from the frame's IF in the same step.
    jmp hypercall_page + __HYPERVISOR_iret * 32

failsafe_entry:                         // ds es fs gs | eip cs eflags ...
    mov $FLAT_KERNEL_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    cld
    push %esp
    call failsafe_handler
    ud2

// --- int catch_fault(void (*f)(void *), void *argument) ------------------------------------------------------------
// 0, or 1 when f ended by unwind().

    .bss
    .balign 4
catching:
    .skip 20
    .text
    .globl catch_fault, unwind, catching
catch_fault:
    mov 4(%esp), %eax
    mov 8(%esp), %ecx
    mov %ebx, catching
    mov %esi, catching + 4
    mov %edi, catching + 8
    mov %ebp, catching + 12
    mov %esp, catching + 16
    push %ecx
    call *%eax
    add $4, %esp
    movl $0, catching + 16
    xor %eax, %eax
    ret
unwind:
    mov catching, %ebx
    mov catching + 4, %esi
    mov catching + 8, %edi
    mov catching + 12, %ebp
    mov $FLAT_KERNEL_DS, %eax
    mov %eax, %ss
    mov catching + 16, %esp
    movl $0, catching + 16
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov $1, %eax
    ret

// --- ring 3 --------------------------------------------------------------------------------------------------------

    .globl enter_user, syscall_entry
enter_user:                             // void enter_user(eip, esp, by_hypercall): ends by unwind()
    mov 4(%esp), %ecx
    mov 8(%esp), %edx
    mov 12(%esp), %eax
    push $FLAT_RING3_DS
    push %edx
    push $0x202
    push $FLAT_RING3_CS
    push %ecx
    mov $FLAT_RING3_DS, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    test %eax, %eax
    jnz 1f
    iret
1:  jmp hypercall_page + __HYPERVISOR_iret * 32

// int 0x80: eax 0 leaves ring 3 for good, anything else comes straight back: the shortest system call there is.
syscall_entry:
    test %eax, %eax
    jz 1f
    incl %ss:syscall_count
    iret
1:  mov $FLAT_KERNEL_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %ebx, user_result
    jmp unwind
    .section .note.GNU-stack, "", @progbits
