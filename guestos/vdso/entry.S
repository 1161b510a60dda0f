// SPDX-License-Identifier: MIT
// The way into the kernel that AT_SYSINFO recommends, and the ends of signal handlers. Their places are the kernel's (vdso_layout.h).
//
// sysenter remembers nothing: neither the stack pointer nor where it was. So the stack pointer goes along in %ebp, whose own value (the sixth
// argument) lies on the stack, and the return is to one place. It does not keep %ecx and %edx either.
#include <arch/vdso_layout.h>

	.section .text.entry, "ax", @progbits
	.globl	__kernel_vsyscall
	.type	__kernel_vsyscall, @function
__kernel_vsyscall:
	.cfi_startproc
	push	%ecx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ecx, 0
	push	%edx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset edx, 0
	push	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebp, 0
	mov	%esp, %ebp              // these two may become nop and int $0x80
	sysenter
	jmp	1f
	.org	VDSO_RETURN - VDSO_CODE - 2, 0x90
	int	$0x80                   // where a call that a signal interrupted goes on
1:	pop	%ebp
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebp
	pop	%edx
	.cfi_adjust_cfa_offset -4
	.cfi_restore edx
	pop	%ecx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ecx
	ret
	.cfi_endproc
	.size	__kernel_vsyscall, . - __kernel_vsyscall

// A handler without a restorer of its own returns to one of these. Their instructions are what debuggers know a signal frame by.
	.org	VDSO_SIGRETURN - VDSO_CODE, 0x90
	.globl	__kernel_sigreturn
	.type	__kernel_sigreturn, @function
__kernel_sigreturn:
	pop	%eax
	mov	$119, %eax
	int	$0x80
	.size	__kernel_sigreturn, . - __kernel_sigreturn

	.org	VDSO_RT_SIGRETURN - VDSO_CODE, 0x90
	.globl	__kernel_rt_sigreturn
	.type	__kernel_rt_sigreturn, @function
__kernel_rt_sigreturn:
	mov	$173, %eax
	int	$0x80
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn

	.section .note.GNU-stack, "", @progbits
