// SPDX-License-Identifier: MIT
// From the boot loader to C++: paging on, at the linked address, on a stack.
//
//   multiboot loader (paging off, at 1 MB)
//     -> PAE tables that map the first gigabyte twice, at 0 and at linear_base, in 2 MB pages
//     -> CR4.PAE, EFER.NXE if there is NX, CR0.PG
//     -> jump up to linear_base -> boot(magic, multiboot_info), boot.cpp, which makes the final tables
//
// Multiboot Specification 0.6.96, 3.1 and 3.2: eax holds the magic number, ebx the information's physical address.
#define LINEAR_BASE 0xc0000000

	.section .multiboot, "a", @progbits
	.balign	4
	.long	0x1badb002, 3, -(0x1badb002 + 3)    // modules on pages, memory information

	.section .text.start, "ax", @progbits
	.globl	start
	.type	start, @function
start:
	cli
	cld
	mov	$(boot_stack_top - LINEAR_BASE), %esp
	mov	%eax, %ebp
	mov	%ebx, %edi
	mov	$1, %eax
	cpuid
	mov	$(no_pae_text - LINEAR_BASE), %esi
	test	$(1 << 6), %edx         // CPUID.1:EDX.PAE
	jz	refuse
	mov	$(no_fxsr_text - LINEAR_BASE), %esi
	test	$(1 << 24), %edx        // CPUID.1:EDX.FXSR
	jz	refuse

	// L2: 512 large pages; L3: slots 0 and 3.
	mov	$(boot_l2 - LINEAR_BASE), %esi
	mov	$0x83, %eax             // P, RW, PS
1:	mov	%eax, (%esi)
	add	$8, %esi
	add	$0x200000, %eax
	cmp	$0x40000083, %eax
	jne	1b
	mov	$(boot_l2 - LINEAR_BASE + 1), %eax
	mov	%eax, boot_l3 - LINEAR_BASE
	mov	%eax, boot_l3 + 24 - LINEAR_BASE

	mov	%cr4, %eax
	or	$0x6a0, %eax            // PAE, PGE, OSFXSR, OSXMMEXCPT
	mov	%eax, %cr4
	mov	$(boot_l3 - LINEAR_BASE), %eax
	mov	%eax, %cr3
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	2f
	mov	$0x80000001, %eax
	cpuid
	test	$(1 << 20), %edx        // NX
	jz	2f
	mov	$0xc0000080, %ecx       // EFER
	rdmsr
	or	$(1 << 11), %eax        // NXE
	wrmsr
2:	mov	%cr0, %eax
	and	$0x9fffffff, %eax       // CD and NW off
	or	$0x80010022, %eax       // PG, WP, NE, MP
	mov	%eax, %cr0
	mov	$3f, %eax
	jmp	*%eax
3:	mov	$boot_stack_top, %esp
	mov	%ebp, %eax
	mov	%edi, %edx
	xor	%ebp, %ebp
	call	boot
	ud2
	.size	start, . - start

// Says the text at esi on the first serial line and stops: there is nothing else to say it with yet.
refuse:	lodsb
	test	%al, %al
	jz	2f
	mov	$0x3f8, %dx
	out	%al, (%dx)
	jmp	refuse
2:	mov	$0xf4, %dx
	mov	$1, %eax
	out	%eax, (%dx)
3:	cli
	hlt
	jmp	3b

no_pae_text:
	.asciz	"Lodger: this processor has no PAE (physical address extension); it cannot run here.\r\n"
no_fxsr_text:
	.asciz	"Lodger: this processor has no FXSAVE; it cannot run here.\r\n"

	.bss
	.balign	4096
boot_l2:
	.skip	4096
boot_l3:
	.skip	4096
	.skip	8192
	.globl	boot_stack_top
boot_stack_top:
