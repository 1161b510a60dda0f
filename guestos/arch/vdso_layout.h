// SPDX-License-Identifier: MIT
// CONTRACT kernel <-> arch: the top of every program's memory, for C++, the assembler and the vDSO itself.
//
//   0xBFFF_D000 +--------------------------------+  stacks end here
//               | data: the clock                |  "[vvar]", read-only; the kernel or the hypervisor writes it
//   0xBFFF_E000 +--------------------------------+
//               | ELF header, symbols, unwinding |  "[vdso]": AT_SYSINFO_EHDR points here
//   0xBFFF_F000 +--------------------------------+
//               | code                           |  AT_SYSINFO points to its first byte
//   user_limit  +--------------------------------+
#ifndef ARCH_VDSO_LAYOUT_H
#define ARCH_VDSO_LAYOUT_H

#define VDSO_DATA       0xbfffd000
#define VDSO_IMAGE      0xbfffe000
#define VDSO_CODE       0xbffff000
#define VDSO_IMAGE_SIZE 0x2000

// In the code (guestos/vdso/entry.S): the instruction pair that enters the kernel, where the kernel returns to after sysenter (two bytes
// before it stands an int $0x80, for calls that are restarted), and the ends of signal handlers.
#define VDSO_ENTER        (VDSO_CODE + 3)
#define VDSO_RETURN       (VDSO_CODE + 0x10)
#define VDSO_SIGRETURN    (VDSO_CODE + 0x20)
#define VDSO_RT_SIGRETURN (VDSO_CODE + 0x30)

#endif
