// SPDX-License-Identifier: MIT
// The pieces cpu_init() is made of, and the entry points of entry.S.
#pragma once
#include <cstdint>

namespace arch {
void descriptors_init();  // descriptors.cpp
void traps_init();        // trap.cpp

extern "C" {
// Loads cs by a far return, ss, and the kernel's ds and es; fs and gs become null.
void load_kernel_segments(std::uint32_t cs, std::uint32_t ss);
// entry.S: one stub of 16 bytes for each vector from 0; they push the vector, and a 0 where there is no error code.
extern char trap_stubs[];
void syscall_entry();
void sysenter_entry();  // natively
// Between these two an interrupted "kernel" context has the registers of the context it was about to return to.
extern char return_window[], return_window_end[];
// trap.cpp: return what to restore.
struct TrapFrame *trap_entry(struct TrapFrame *);
struct TrapFrame *syscall_dispatch(struct TrapFrame *);
struct TrapFrame *sysenter_dispatch(struct TrapFrame *);  // natively
}
inline constexpr unsigned trap_stub_bytes = 16;
inline constexpr unsigned syscall_vector = 0x80;
std::uint32_t *entry_stack();  // natively, descriptors.cpp: where the running thread's kernel stack pointer is kept
}  // namespace arch
