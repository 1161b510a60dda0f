// SPDX-License-Identifier: MIT
// The stubs that pvlib calls: each enters the hypervisor of hypervisor.cpp with its number and the registers. As with a real one, all
// registers but the result come back as they were.
	.text
	.balign	4096
	.globl	hypercall_page
hypercall_page:
	.set	n, 0
	.rept	64
	.balign	32
	mov	$n, %eax
	jmp	enter
	.set	n, n + 1
	.endr
	.balign	32
enter:
	push	%ebp
	mov	%esp, %ebp
	push	%ebx
	push	%ecx
	push	%edx
	push	%esi
	push	%edi
	sub	$512 + 32, %esp
	and	$-16, %esp
	fxsave	32(%esp)
	mov	%eax, (%esp)            // the arguments of fake_hypercall
	mov	%ebx, 4(%esp)
	mov	%ecx, 8(%esp)
	mov	%edx, 12(%esp)
	mov	%esi, 16(%esp)
	mov	%edi, 20(%esp)
	call	fake_hypercall
	fxrstor	32(%esp)
	lea	-20(%ebp), %esp
	pop	%edi
	pop	%esi
	pop	%edx
	pop	%ecx
	pop	%ebx
	pop	%ebp
	ret
	.section .note.GNU-stack, "", @progbits
