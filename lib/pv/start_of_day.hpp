// SPDX-License-Identifier: MIT
// Where everything lies in a domain's memory when it starts (include/pv/xen.h, struct start_info):
//
//   virt_base                                                                                  page_tables + ...      end
//   | (gap) | kernel | initrd | p2m list | start_info | store | console | L3 | L2 x 4 | L1 ... | stack | at least 512 KB ... |
//    pfn 0 ------------------------------------------------------------------------------------------> 4 MB multiple
//
// Every part begins on a page. An initrd that is given by frame number lies behind all other memory instead, unmapped. The control
// domain has no store page and no console page.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/pv/kernel_image.hpp>
#include <lib/x86/pte.hpp>

struct StartOfDay {
    std::uint32_t base, end;             // what is mapped
    std::uint32_t initrd, initrd_bytes;  // address, or 0 if it is not mapped
    std::uint32_t initrd_pfn;
    std::uint32_t p2m, start_info, store, console;  // store, console: 0 for the control domain
    std::uint32_t page_tables, stack;               // stack: one page
    std::uint32_t l1_count;
    std::uint32_t table_count() const { return 1 + 4 + l1_count; }
    std::uint32_t pfn(std::uint32_t address) const { return (address - base) >> page_shift; }
    std::uint32_t boot_pages() const { return (end - base) >> page_shift; }
    bool is_table(std::uint32_t address) const { return address >= page_tables && address < stack; }
};

// False: it does not fit below the hypervisor.
bool lay_out(StartOfDay &, KernelImage const &, KernelRole, std::uint32_t initrd_bytes, std::uint32_t nr_pages);

// Writes the first page tables: table 0 is the L3, 1 to 4 the L2s, then the L1s by address. All of the region is writable but the
// tables themselves.
//   frame_at(address)        the machine frame that the guest will see there
//   edit(address, change)    calls change(Pte *) with the table, all zero so far, that the guest will see there
template <class FrameAt, class Edit>
void write_first_tables(StartOfDay const &day, FrameAt frame_at, Edit edit)
{
    auto table = [&](std::uint32_t i) { return day.page_tables + i * page_size; };
    std::uint32_t const first = day.base >> l2_shift;  // the L1s' numbers, counted from address 0
    edit(table(0), [&](Pte *l3) {
        for (unsigned slot = 0; slot < entries_per_pdpt; ++slot)
            l3[slot] = Pte{frame_at(table(1 + slot)), Pte::P};
    });
    for (unsigned slot = 0; slot < entries_per_pdpt; ++slot)
        edit(table(1 + slot), [&](Pte *l2) {
            for (std::uint32_t i = 0; i < day.l1_count; ++i)
                if ((first + i) / entries_per_table == slot)
                    l2[(first + i) % entries_per_table] = Pte{frame_at(table(5 + i)),
                                                              Pte::P | Pte::RW | Pte::US | Pte::A};
        });
    for (std::uint32_t i = 0; i < day.l1_count; ++i)
        edit(table(5 + i), [&](Pte *l1) {
            for (unsigned index = 0; index < entries_per_table; ++index) {
                std::uint64_t address = (std::uint64_t{first + i} << l2_shift) + index * page_size;
                if (address < day.base || address >= day.end)
                    continue;
                auto there = static_cast<std::uint32_t>(address);
                l1[index] = Pte{frame_at(there),
                                Pte::P | Pte::A | Pte::D | (day.is_table(there) ? 0 : std::uint64_t{Pte::RW})};
            }
        });
}
