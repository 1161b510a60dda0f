// SPDX-License-Identifier: MIT
// void switch_context(Context **save, Context *load)
	.text
	.globl	switch_context
	.type	switch_context, @function
switch_context:
	push	%ebp
	push	%ebx
	push	%esi
	push	%edi
	mov	%esp, (%eax)
	mov	%edx, %esp
	pop	%edi
	pop	%esi
	pop	%ebx
	pop	%ebp
	ret
	.size	switch_context, . - switch_context

// Where a fresh context begins: ebx = entry, esi = argument, ebp = 0 ends backtraces.
	.globl	fresh_context_start
	.type	fresh_context_start, @function
fresh_context_start:
	mov	%esi, %eax
	call	*%ebx
	ud2
	.size	fresh_context_start, . - fresh_context_start
