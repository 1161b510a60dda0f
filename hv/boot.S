// SPDX-License-Identifier: MIT
// From the boot loader to hv::main(). Multiboot 1 (0.6.96, section 3) and multiboot 2 (2.0, section 3) both enter here in
// 32-bit protected mode without paging, %eax = magic, %ebx = machine address of the information.
//
//   machine 1 MB ............ 17 MB        linear 0xFE000000 ........ 0xFF000000
//   [ image | heap ...           ]   <==>  [ image | heap ...                  ]     image L1 tables, 4 KB pages
//   machine 0 .. 2 MB                      linear 0 .. 2 MB                          only until hv::main() runs
#define IMAGE_START   0xfe000000
#define MACHINE_START 0x00100000
#define MACHINE(x)    ((x) - IMAGE_START + MACHINE_START)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00000003            // page-aligned modules, memory map wanted
#define MB2_MAGIC 0xe85250d6

    .section .multiboot, "a"
    .balign 8
multiboot2:
    .long MB2_MAGIC, 0, multiboot2_end - multiboot2, -(MB2_MAGIC + 0 + (multiboot2_end - multiboot2))
    .balign 8
    .short 1, 0                         // information request: command line, modules, memory map
    .long 20, 1, 3, 6
    .balign 8
    .short 6, 0                         // modules on page boundaries
    .long 8
    .balign 8
    .short 0, 0
    .long 8
multiboot2_end:
    .balign 4
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)

    .section .boot.text, "ax"
    .globl boot_entry
boot_entry:
    cli
    cld
    mov %eax, %ebp                      // kept until hv::main: magic
    mov %ebx, %edi                      //                      information
    mov $MACHINE(boot_stack_top), %esp
    lgdt MACHINE(boot_gdt_register)
    ljmp $8, $MACHINE(1f)
1:  mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    call check_processor
    call build_tables
    mov %cr4, %eax
    or $0x20, %eax                      // PAE
    mov %eax, %cr4
    mov $MACHINE(boot_l3), %eax
    mov %eax, %cr3
    testl $1, MACHINE(boot_nx)
    jz 2f
    mov $0xc0000080, %ecx               // EFER.NXE
    rdmsr
    or $0x800, %eax
    wrmsr
2:  mov %cr0, %eax
    and $0x9fffffff, %eax               // caches on
    or $0x80010001, %eax                // PG, WP, PE
    mov %eax, %cr0
    mov $3f, %eax
    jmp *%eax
3:  mov $boot_stack_top, %esp
    lgdt boot_gdt_register_linear
    mov %ebp, %eax
    mov %edi, %edx
    xor %ebp, %ebp
    call hypervisor_main
4:  hlt
    jmp 4b

// SDM Vol. 2A "CPUID": EDX of leaf 1 bit 6 PAE, bit 8 CX8; EDX of 0x80000001 bit 20 NX.
check_processor:
    pushfl
    pop %eax
    mov %eax, %ecx
    xor $0x200000, %eax                 // EFLAGS.ID toggles: there is CPUID
    push %eax
    popfl
    pushfl
    pop %eax
    cmp %eax, %ecx
    je no_pae
    mov $1, %eax
    cpuid
    and $0x140, %edx
    cmp $0x140, %edx
    jne no_pae
    mov $0x80000000, %eax
    cpuid
    cmp $0x80000001, %eax
    jb 1f
    mov $0x80000001, %eax
    cpuid
    shr $20, %edx
    and $1, %edx
    mov %edx, MACHINE(boot_nx)
1:  ret
no_pae:
    mov $MACHINE(no_pae_text), %esi
    jmp boot_fail

// Eight L1 tables for the image window, writable throughout for now; paging.cpp tightens them.
build_tables:
    push %edi
    mov $MACHINE(image_l1), %edi
    mov $MACHINE_START | 3, %eax
1:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $4096, %eax
    add $8, %edi
    cmp $MACHINE(image_l1) + 8 * 4096, %edi
    jb 1b
    mov $MACHINE(image_l1) + 3, %eax
    mov $MACHINE(hypervisor_l2) + 8 * 496, %edi   // (0xFE000000 >> 21) & 511
2:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    cmp $MACHINE(hypervisor_l2) + 8 * 504, %edi
    jb 2b
    movl $0x83, MACHINE(boot_low_l2)    // 2 MB page: where this code runs until it jumps up
    movl $MACHINE(boot_low_l2) + 1, MACHINE(boot_l3)
    movl $MACHINE(hypervisor_l2) + 1, MACHINE(boot_l3) + 24
    pop %edi
    ret

// Says %esi on COM1, the debug port and the screen, then leaves QEMU with a status that is not 0, or stops.
boot_fail:
    mov $0xb8000, %edi
    mov $0x3fb, %dx                     // 115200 baud, 8 bits (the divisor is 1)
    mov $0x80, %al
    out %al, %dx
    mov $0x3f8, %dx
    mov $1, %al
    out %al, %dx
    inc %edx
    xor %eax, %eax
    out %al, %dx
    mov $0x3fb, %dx
    mov $3, %al
    out %al, %dx
1:  lodsb
    test %al, %al
    jz 3f
    mov %al, %bl
    mov $0x3fd, %dx
    mov $100000, %ecx
2:  in %dx, %al
    test $0x20, %al
    loopz 2b
    mov %bl, %al
    mov $0x3f8, %dx
    out %al, %dx
    out %al, $0xe9
    mov $0x4f, %ah
    mov %ax, (%edi)
    add $2, %edi
    jmp 1b
3:  mov $0xf4, %dx                      // isa-debug-exit
    mov $1, %eax
    out %eax, %dx
4:  hlt
    jmp 4b

    .section .boot.rodata, "a"
no_pae_text:
    .asciz "(hv) This processor has no PAE (physical address extension), which Lodger needs: use a newer one.\r\n"
    .balign 8
boot_gdt:
    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
boot_gdt_register:
    .short 23
    .long MACHINE(boot_gdt)
    .balign 4
boot_gdt_register_linear:
    .short 23
    .long boot_gdt

    .section .bss.boot, "aw", @nobits
    .balign 4096
    .globl boot_l3, boot_low_l2, hypervisor_l2, image_l1, boot_nx
image_l1:
    .skip 8 * 4096
hypervisor_l2:
    .skip 4096
boot_low_l2:
    .skip 4096
    .skip 16384
boot_stack_top:
boot_l3:
    .skip 4096
boot_nx:
    .skip 4
    .section .note.GNU-stack, "", @progbits
