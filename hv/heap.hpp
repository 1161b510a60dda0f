// SPDX-License-Identifier: MIT
// The hypervisor's own memory: whole pages inside the image window, and small objects within them.
#pragma once
#include <cstddef>
#include <lib/addr.hpp>

namespace hv {
void heap_init(void *start, Mfn first, unsigned pages);
void *allocate_pages(unsigned order);  // zeroed, physically contiguous; nullptr: out of memory
void free_pages(void *, unsigned order);
void *allocate(std::size_t bytes);  // zeroed, 16-byte aligned; nullptr: out of memory
void free(void *, std::size_t bytes);
std::size_t heap_size(std::size_t bytes);  // what allocate takes for it
Mfn heap_mfn(void const *);                // the frame behind a heap address
void *heap_address(Mfn);                   // precondition: a heap frame
std::size_t heap_used();                   // bytes handed out
}  // namespace hv
