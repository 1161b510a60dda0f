// SPDX-License-Identifier: MIT
// Memory of the hypervisor's heap that is there because of one domain. It is counted, and an unprivileged domain gets only so much: what a
// guest does can make its own calls fail, but nobody else's.
#pragma once
#include <cstddef>
#include <hv/domain.hpp>
#include <new>

namespace hv {
inline constexpr std::size_t max_state_bytes = 256u << 10;

void *allocate_state(Domain &, std::size_t bytes);  // zeroed; nullptr: none left, or not for this domain
void free_state(Domain &, void *, std::size_t bytes);

template <class T>
T *allocate_state(Domain &d)
{
    void *p = allocate_state(d, sizeof(T));
    return p ? new (p) T : nullptr;
}
template <class T>
void free_state(Domain &d, T *p)
{
    free_state(d, static_cast<void *>(p), sizeof(T));
}

// All that the hypervisor keeps for it, but page tables and the frame table: with the pages that it shares (shared_info, grant frames).
std::size_t state_bytes(Domain const &);
}  // namespace hv
