// SPDX-License-Identifier: MIT
#include <lib/pv/start_of_day.hpp>
#include <pv/xen.h>

namespace {
constexpr std::uint32_t hypervisor_virt_start = HYPERVISOR_VIRT_START;

constexpr std::uint64_t align_up(std::uint64_t n, std::uint64_t to) { return (n + to - 1) / to * to; }

constexpr std::uint64_t region_multiple = 4u << 20, min_padding = 512u << 10;

// The end of the region and the tables that map it depend on each other: more tables never make the region smaller.
bool place_tables(StartOfDay &s, std::uint64_t tables)
{
    for (std::uint32_t l1_count = 1;; ++l1_count) {
        std::uint64_t stack = tables + (1 + 4 + std::uint64_t{l1_count}) * page_size;
        std::uint64_t end = align_up(stack + page_size, region_multiple);
        if (end - (stack + page_size) < min_padding)
            end += region_multiple;
        if (end > hypervisor_virt_start)
            return false;
        if (((end - 1) >> l2_shift) - (s.base >> l2_shift) + 1 > l1_count)
            continue;
        s.page_tables = static_cast<std::uint32_t>(tables);
        s.stack = static_cast<std::uint32_t>(stack);
        s.end = static_cast<std::uint32_t>(end);
        s.l1_count = l1_count;
        return true;
    }
}

}  // namespace

bool lay_out(StartOfDay &s, KernelImage const &kernel, KernelRole role, std::uint32_t initrd_bytes, std::uint32_t nr_pages)
{
    s = {};
    s.base = kernel.virt_base;
    s.initrd_bytes = initrd_bytes;
    std::uint64_t at = align_up(kernel.end, page_size);
    if (initrd_bytes && kernel.initrd_by_frame) {
        s.initrd_pfn = nr_pages - pages_for(initrd_bytes);
    } else if (initrd_bytes) {
        s.initrd = static_cast<std::uint32_t>(at);
        s.initrd_pfn = s.pfn(s.initrd);
        at = align_up(at + initrd_bytes, page_size);
    }
    std::uint64_t p2m = at;
    std::uint64_t start_info = align_up(p2m + std::uint64_t{nr_pages} * 4, page_size);
    std::uint64_t tables = start_info + (role == KernelRole::guest ? 3 : 1) * page_size;
    if (tables > hypervisor_virt_start)
        return false;
    s.p2m = static_cast<std::uint32_t>(p2m);
    s.start_info = static_cast<std::uint32_t>(start_info);
    if (role == KernelRole::guest) {
        s.store = s.start_info + page_size;
        s.console = s.store + page_size;
    }
    return place_tables(s, tables);
}
