// SPDX-License-Identifier: MIT
// The kernel's memory code inside a process of this machine: 32 MB of frames, real page tables nobody runs on.
#pragma once
#include <cstdint>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <random>

namespace world {
void begin(std::uint32_t frames = arch::Mmu::frames);  // a fresh machine, nothing allocated
std::uint32_t free_frames();
extern std::uint32_t limits[16];  // memory_limit(): begin() sets all to "none"
// copy_{from,to}_user: addresses from here on cannot be served.
extern std::uint32_t bad_address;
}  // namespace world
void *kernel_heap_allocate(std::size_t n, std::size_t alignment);
void kernel_heap_release(void *);
