// SPDX-License-Identifier: MIT
// Where everything lies in a domain's memory when it starts (include/pv/xen.h, struct start_info):
//
//   virt_base                                                                        page_tables + ...      end
//   | (gap) | kernel | initrd | p2m list | start_info | L3 | L2 x 4 | L1 ... | stack | at least 512 KB ... |
//    pfn 0 --------------------------------------------------------------------------------> 4 MB multiple
//
// Every part begins on a page. An initrd that is given by frame number lies behind all other memory instead, unmapped.
#pragma once
#include <cstdint>
#include <hv/elf.hpp>
#include <lib/addr.hpp>

namespace hv {
struct StartOfDay {
    std::uint32_t base, end;             // what is mapped
    std::uint32_t initrd, initrd_bytes;  // address, or 0 if it is not mapped
    std::uint32_t initrd_pfn;
    std::uint32_t p2m, start_info, page_tables, stack;  // stack: one page
    std::uint32_t l1_count;
    std::uint32_t table_count() const { return 1 + 4 + l1_count; }
    std::uint32_t pfn(std::uint32_t address) const { return (address - base) >> page_shift; }
    std::uint32_t boot_pages() const { return (end - base) >> page_shift; }
};

// False: it does not fit below the hypervisor.
bool lay_out(StartOfDay &, KernelImage const &, std::uint32_t initrd_bytes, std::uint32_t nr_pages);
}  // namespace hv
