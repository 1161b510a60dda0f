// SPDX-License-Identifier: MIT
// Into the kernel and out of it. trap_frame.hpp shows what is pushed. C++ functions take their first three arguments in eax, edx and ecx
// (Makefile, kernel_abi).
//
// The kernel runs with the programs' flat data segment in ds and es, and leaves fs and gs alone: loading a segment register is
// dear, so only what differs is loaded, in and out.
#include <fixups.hpp>
#include <user_segments.hpp>

#define FRAME_GS      32
#define FRAME_FS      36
#define FRAME_ES      40
#define FRAME_DS      44
#define FRAME_VECTOR  48
#define FRAME_CS      60
#define FRAME_EFLAGS  64
#define EFLAGS_IF     0x200
#define VCPU_UPCALL_PENDING 0
#define VCPU_UPCALL_MASK    1

// Loads a segment register if it is not what the frame says; a selector that cannot be loaded becomes null.
.macro restore_segment register, offset
	mov	\offset(%esp), %eax
	mov	%\register, %edx
	cmp	%ax, %dx
	je	2f
1:	mov	%eax, %\register
2:
	.pushsection .text.fixup, "ax", @progbits
3:	xor	%eax, %eax
	mov	%eax, %\register
	jmp	2b
	.popsection
	fixup	1b, 3b
.endm

.macro save_registers
	push	%ds
	push	%es
	push	%fs
	push	%gs
	pusha
	cld
	mov	$USER_DS, %edx
	mov	%ds, %eax
	cmp	%dx, %ax
	je	1f
	mov	%edx, %ds
1:	mov	%es, %eax
	cmp	%dx, %ax
	je	1f
	mov	%edx, %es
1:	mov	%esp, %eax
.endm

// --- stubs: the vector, and 0 where the hypervisor pushes no error code ---
	.text
	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	0x21
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17)
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

	.balign	16
	.type	trap_common, @function
trap_common:
	save_registers
	call	trap_entry
	jmp	restore
	.size	trap_common, . - trap_common

	.balign	16
	.globl	syscall_entry
	.type	syscall_entry, @function
syscall_entry:
	push	%eax
	push	$0x80
	save_registers
	call	syscall_dispatch
	.size	syscall_entry, . - syscall_entry

// --- out: the frame is at eax, interrupts are off ---
	.globl	restore
	.type	restore, @function
restore:
	mov	%eax, %esp
	restore_segment gs, FRAME_GS
	restore_segment fs, FRAME_FS
	restore_segment es, FRAME_ES
	restore_segment ds, FRAME_DS
	testl	$EFLAGS_IF, FRAME_EFLAGS(%esp)
	jz	2f
	popa
	add	$24, %esp               // gs fs es ds vector error
	// Unmask, look, leave. An event in between finds the outer context's registers in place: its frame takes the place of
	// ours (outer_frame() in traps.hpp). iret in ring 1 goes to ring 3 or stays; it changes neither IF nor the mask.
	movb	$0, %ss:shared_page + VCPU_UPCALL_MASK
	.globl	return_window
return_window:
	cmpb	$0, %ss:shared_page + VCPU_UPCALL_PENDING
	jne	1f
	iret
1:	movb	$1, %ss:shared_page + VCPU_UPCALL_MASK
	.globl	return_window_end
return_window_end:
	push	$0
	push	$0x20
	jmp	trap_common
2:	popa                            // events stay masked
	add	$24, %esp
	iret
	.size	restore, . - restore

// --- the hypervisor could not load a segment register, or cs or ss, of the context it was about to return to ---
// It hands over the four selectors it made null, below the usual frame. A program gets a fault; the kernel goes on.
	.globl	failsafe_entry
	.type	failsafe_entry, @function
failsafe_entry:
	add	$16, %esp
	push	$0
	push	$0x0d
	testb	$3, 12(%esp)
	jp	trap_common             // both bits set: from ring 3
	save_registers
	jmp	restore
	.size	failsafe_entry, . - failsafe_entry

// --- [[noreturn]] void enter_user(TrapFrame const *from, TrapFrame *top_of_stack), interrupts off ---
// The source may lie below on the same stack, so it is copied from its end, by registers alone.
	.globl	enter_user
	.type	enter_user, @function
enter_user:
	mov	%eax, %esi
	mov	%edx, %edi
	mov	%edi, %esp
	add	$72, %esi
	add	$72, %edi
	mov	$19, %ecx
	std
	rep movsl
	cld
	mov	%esp, %eax
	jmp	restore
	.size	enter_user, . - enter_user

// --- void load_kernel_segments(uint32_t cs, uint32_t ss) ---
	.globl	load_kernel_segments
	.type	load_kernel_segments, @function
load_kernel_segments:
	mov	%edx, %ss
	mov	$USER_DS, %edx
	mov	%edx, %ds
	mov	%edx, %es
	xor	%edx, %edx
	mov	%edx, %fs
	mov	%edx, %gs
	pop	%edx
	push	%eax
	push	%edx
	lret
	.size	load_kernel_segments, . - load_kernel_segments
