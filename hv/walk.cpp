// SPDX-License-Identifier: MIT
#include <hv/layout.hpp>
#include <hv/map.hpp>
#include <hv/memory.hpp>
#include <hv/tlb.hpp>
#include <hv/walk.hpp>

namespace hv {

Result<Walk> walk_guest_tables(Vcpu const &v, std::uint32_t address)
{
    if (address >= hypervisor_virt_start || v.cr3 == no_mfn)
        return Error::inval;
    Vaddr va{address};
    Pte l3 = Mapped<Pte>{v.cr3}[table_index(Level::l3, va)];
    if (!l3.present())
        return Error::fault;
    Pte l2 = Mapped<Pte>{l3.frame()}[table_index(Level::l2, va)];
    if (!l2.present())
        return Error::fault;
    unsigned index = table_index(Level::l1, va);
    return Walk{l2.frame(), index, Mapped<Pte>{l2.frame()}[index]};
}

bool guest_linear_readable(std::uint32_t address, std::uint32_t bytes)
{
    if (bytes == 0)
        return true;
    if (address + bytes < address)
        return false;
    std::uint32_t last = address + bytes - 1;
    for (std::uint32_t page = address & page_mask;; page += page_size) {
        auto w = walk_guest_tables(current(), page);
        if (!w.ok() || !w.value().entry.present())
            return false;
        if (page == (last & page_mask))
            return true;
    }
}

void load_page_tables(Vcpu const &v)
{
    if (v.cr3 == no_mfn)
        load_idle_root();
    else if (loaded_root() != v.cr3)
        load_root(v.cr3);
}

Result<Mfn> guest_frame_at(Vcpu const &v, std::uint32_t address)
{
    Walk walk = TRY(walk_guest_tables(v, address));
    if (!walk.entry.present())
        return Error::fault;
    return walk.entry.frame();
}

}  // namespace hv
