// SPDX-License-Identifier: MIT
// Into the kernel and out of it. trap_frame.hpp shows what is pushed. C++ functions take their first three arguments in eax, edx and ecx
// (Makefile, kernel_abi).
//
// The kernel runs with the programs' flat data segment in ds and es, and leaves fs and gs alone: loading a segment register is
// dear, so only what differs is loaded, in and out.
#include <arch/vdso_layout.h>
#include <fixups.hpp>
#include <user_segments.hpp>

#define FRAME_GS      32
#define FRAME_FS      36
#define FRAME_ES      40
#define FRAME_DS      44
#define FRAME_VECTOR  48
#define FRAME_EIP     56
#define FRAME_CS      60
#define FRAME_EFLAGS  64
#define FRAME_ESP     68
#define FRAME_SS      72
#define EFLAGS_IF     0x200
#define EFLAGS_NT     0x4000
#define EFLAGS_PLAIN  0xed7     // what a program may have set and sysexit may bring back: CF PF AF ZF SF IF DF OF

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

// --- stubs: the vector, and 0 where the processor pushes no error code ---
	.text
	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	vector, 0
	.rept	0x80
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

// --- in and out by sysenter: interrupts are off, %esp points to the kernel stack's address, %ebp is the program's stack pointer ---
	.balign	16
	.globl	sysenter_entry
	.type	sysenter_entry, @function
sysenter_entry:
	mov	(%esp), %esp
	push	$USER_DS
	push	%ebp
	pushf
	testl	$EFLAGS_NT, (%esp)
	jnz	.Lnested
.Lplain:
	orl	$EFLAGS_IF, (%esp)
	push	$USER_CS
	push	$VDSO_RETURN
	push	%eax
	push	$0x80
	save_registers
	call	sysenter_dispatch
	// sysexit knows one place and these segments only, and shows a program no other flags than it had.
	cmpl	$VDSO_RETURN, FRAME_EIP(%eax)
	jne	restore
	testl	$~EFLAGS_PLAIN, FRAME_EFLAGS(%eax)
	jnz	restore
	cmpw	$USER_CS, FRAME_CS(%eax)
	jne	restore
	cmpw	$USER_DS, FRAME_SS(%eax)
	jne	restore
	mov	%eax, %esp
	restore_segment gs, FRAME_GS
	restore_segment fs, FRAME_FS
	restore_segment es, FRAME_ES
	restore_segment ds, FRAME_DS
	andl	$~EFLAGS_IF, FRAME_EFLAGS(%esp)
	push	FRAME_EFLAGS(%esp)
	popf
	pop	%edi
	pop	%esi
	pop	%ebp
	add	$4, %esp
	pop	%ebx
	mov	8(%esp), %eax
	mov	FRAME_EIP-20(%esp), %edx
	mov	FRAME_ESP-20(%esp), %ecx
	sti                             // takes effect behind the next instruction
	sysexit
.Lnested:
	push	$2                      // a nested task would be what iret returns to
	popf
	andl	$~EFLAGS_NT, (%esp)
	jmp	.Lplain
	.size	sysenter_entry, . - sysenter_entry

// --- in by int 0x80; out is what follows ---
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
	popa
	add	$24, %esp               // gs fs es ds vector error
	.globl	return_window
return_window:
	iret
	.globl	return_window_end
return_window_end:
	.size	restore, . - restore

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
