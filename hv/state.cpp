// SPDX-License-Identifier: MIT
#include <hv/heap.hpp>
#include <hv/state.hpp>
#include <lib/addr.hpp>

namespace hv {

void *allocate_state(Domain &d, std::size_t bytes)
{
    std::size_t taken = heap_size(bytes);
    if (!d.privileged && d.heap_bytes + taken > max_state_bytes)
        return nullptr;
    void *p = allocate(bytes);
    if (p)
        d.heap_bytes += taken;
    return p;
}

void free_state(Domain &d, void *p, std::size_t bytes)
{
    d.heap_bytes -= heap_size(bytes);
    free(p, bytes);
}

std::size_t state_bytes(Domain const &d) { return d.heap_bytes + std::size_t{d.special_pages} * page_size; }

}  // namespace hv
