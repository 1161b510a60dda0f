// SPDX-License-Identifier: MIT
// From the domain builder to C++: onto our own stack. Paging is on, and the linear map's beginning is mapped.
//
//   domain builder (reads the notes below)
//     -> maps kernel, initrd, p2m list, start_info, page tables, in this order, from VIRT_BASE up
//     -> fills hypercall_page
//     -> start, in ring 1, %esi = start_info, flat segments, events masked
//     -> boot(start_info), boot.cpp, which completes the tables
//
// The notes: include/pv/elfnote.h.
#include <pv/elfnote.h>
#define LINEAR_BASE 0xc0000000
#define HYPERVISOR_START 0xf5800000

.macro note type, kind, value:vararg
	.pushsection .note.Xen, "a", @note
	.balign	4
	.long	2f - 1f, 4f - 3f, \type
1:	.asciz	"Xen"
2:	.balign	4
3:	\kind	\value
4:	.balign	4
	.popsection
.endm
	note	XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
	note	XEN_ELFNOTE_GUEST_OS, .asciz, "Lodger"
	note	XEN_ELFNOTE_LOADER, .asciz, "generic"
	note	XEN_ELFNOTE_PAE_MODE, .asciz, "yes"
	note	XEN_ELFNOTE_FEATURES, .asciz, "pae_pgdir_above_4gb"
	note	XEN_ELFNOTE_VIRT_BASE, .long, LINEAR_BASE
	note	XEN_ELFNOTE_PADDR_OFFSET, .long, 0
	note	XEN_ELFNOTE_ENTRY, .long, start
	note	XEN_ELFNOTE_HYPERCALL_PAGE, .long, hypercall_page
	note	XEN_ELFNOTE_HV_START_LOW, .long, HYPERVISOR_START

	.section .text.start, "ax", @progbits
	.globl	hypercall_page
hypercall_page:                         // page-aligned: the image's first
	.fill	4096, 1, 0x0f           // filled before we run; until then not an instruction

	.globl	start
	.type	start, @function
start:
	cld
	mov	$boot_stack_top, %esp
	mov	%esi, %eax
	xor	%ebp, %ebp
	call	boot
	ud2
	.size	start, . - start

	.bss
	.balign	4096
	.globl	shared_page
shared_page:                            // boot.cpp maps shared_info here
	.skip	4096
	.skip	8192
	.globl	boot_stack_top
boot_stack_top:
