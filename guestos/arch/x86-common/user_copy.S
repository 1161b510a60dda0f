// SPDX-License-Identifier: MIT
// User memory, copied with faults allowed: each instruction that touches it has an entry in the exception table, section
// .fixups, which says where to go on when the fault cannot be served (fixups.hpp).
#include <fixups.hpp>

// size_t copy(void *dst, void const *src, size_t n): number of bytes not copied. The same code in both directions.
	.text
	.globl	user_copy
	.type	user_copy, @function
user_copy:
	push	%esi
	push	%edi
	mov	%eax, %edi
	mov	%edx, %esi
	mov	%ecx, %edx
	and	$3, %edx
	shr	$2, %ecx
1:	rep movsl
	mov	%edx, %ecx
2:	rep movsb
3:	mov	%ecx, %eax
	pop	%edi
	pop	%esi
	ret
4:	lea	(%edx,%ecx,4), %eax
	pop	%edi
	pop	%esi
	ret
	.size	user_copy, . - user_copy
	fixup	1b, 4b
	fixup	2b, 3b

// size_t clear(void *dst, size_t n): number of bytes not cleared.
	.globl	user_clear
	.type	user_clear, @function
user_clear:
	push	%edi
	mov	%eax, %edi
	mov	%edx, %ecx
	and	$3, %edx
	shr	$2, %ecx
	xor	%eax, %eax
1:	rep stosl
	mov	%edx, %ecx
2:	rep stosb
3:	mov	%ecx, %eax
	pop	%edi
	ret
4:	lea	(%edx,%ecx,4), %eax
	pop	%edi
	ret
	.size	user_clear, . - user_clear
	fixup	1b, 4b
	fixup	2b, 3b

// ptrdiff_t copy_string(char *dst, char const *src, size_t n): length without the NUL; n: none within n; -1: fault.
	.globl	user_copy_string
	.type	user_copy_string, @function
user_copy_string:
	push	%esi
	push	%edi
	mov	%eax, %edi
	mov	%edx, %esi
	mov	%ecx, %edx
1:	sub	$1, %ecx
	jb	3f
2:	lodsb
	stosb
	test	%al, %al
	jnz	1b
	sub	%ecx, %edx
	dec	%edx
3:	mov	%edx, %eax
	pop	%edi
	pop	%esi
	ret
4:	mov	$-1, %edx
	jmp	3b
	.size	user_copy_string, . - user_copy_string
	fixup	2b, 4b

// bool compare_exchange(uint32_t *user, uint32_t expected, uint32_t desired, uint32_t *seen): false for a fault.
	.globl	user_compare_exchange
	.type	user_compare_exchange, @function
user_compare_exchange:
	xchg	%eax, %edx
1:	lock cmpxchg %ecx, (%edx)
	mov	4(%esp), %edx           // the fourth argument
	mov	%eax, (%edx)
	mov	$1, %eax
	ret
2:	xor	%eax, %eax
	ret
	.size	user_compare_exchange, . - user_compare_exchange
	fixup	1b, 2b
