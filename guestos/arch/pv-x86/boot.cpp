// SPDX-License-Identifier: MIT
// From what the domain builder left to BootInfo: how much memory there is, where the initrd is, and the final page tables.
//
//   linear_base +--------------------------------+ frame 0
//               | image W^X                      |  mapped by the builder, rights set here
//               | initrd, p2m, start_info,       |  writable, NX; page tables read-only
//               | page tables                    |
//               | 4 KB pages: writable, NX       |  all other frames
//   kernel_map_start +---------------------------+
//               | empty L1 tables                |  arch::PageTables::map_kernel()
//               +--------------------------------+ kernel_map_end
#include <arch/boot.hpp>
#include <arch/mmu.hpp>
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <boot_tables.hpp>
#include <cpuid_impl.hpp>
#include <cstring>
#include <early.hpp>
#include <pvlib/shared.hpp>

namespace pv {
constinit start_info const *start = nullptr;
}

namespace arch {
constinit Mfn *phys_to_machine = nullptr;

namespace {
constexpr std::uint32_t large_page = 1u << l2_shift;

constinit BootTables tables;
constinit Pfn first_free;

Pfn linear_frame(Vaddr v) { return Pfn{(v - linear_base) >> page_shift}; }

Pfn take_frame()
{
    auto f = first_free;
    ++first_free;
    std::memset(Mmu::frame_ptr(f), 0, page_size);
    return f;
}

void must(Result<> r, char const *what)
{
    if (!r.ok())
        panic("the hypervisor refuses %s: error %d", what, to_errno(r));
}

// Frames from here on hold nothing that the builder left.
Pfn end_of_loaded(start_info const &info)
{
    auto end = linear_frame(vaddr_of(image_end));
    auto at_least = [&](Vaddr v) {
        auto f = linear_frame(page_ceil(v));
        end = f > end ? f : end;
    };
    at_least(Vaddr{info.mfn_list} + info.nr_pages * 4);
    at_least(vaddr_of(&info + 1));
    at_least(Vaddr{info.pt_base} + (info.nr_pt_frames << page_shift));
    if (info.mod_len && !(info.flags & SIF_MOD_START_PFN))
        at_least(Vaddr{info.mod_start} + info.mod_len);
    if (!pv::is_initial_domain())
        for (auto frame : {info.store_mfn, info.console.domU.mfn})
            if (frame)
                at_least(vaddr_of(Mmu::frame_ptr(Mmu::to_pseudo(Mfn{frame}))) + 1);
    return end;
}

void find_tables(start_info const &info)
{
    auto root = linear_frame(Vaddr{info.pt_base});
    for (std::uint32_t i = 0; i < info.nr_pt_frames; ++i)
        mmu().boot_table(root + i, Level::l1);
    auto l3 = static_cast<Pte const *>(Mmu::frame_ptr(root));
    mmu().boot_table(root, Level::l3);
    for (unsigned i = 0; i < entries_per_pdpt; ++i)
        if (l3[i].present())
            mmu().boot_table(Mmu::to_pseudo(l3[i].frame()), Level::l2);
    auto kernel_l2 = Mmu::to_pseudo(l3[3].frame());
    tables.root = root;
    tables.kernel_l2 = static_cast<Pte const *>(Mmu::frame_ptr(kernel_l2));
}

bool is_boot_table(Pfn f)
{
    auto first = linear_frame(Vaddr{pv::start->pt_base});
    return f >= first && f < first + pv::start->nr_pt_frames;
}

Pte linear_entry(Pfn f)
{
    auto v = vaddr_of(Mmu::frame_ptr(f));
    if (v == vaddr_of(const_cast<shared_info *>(&pv::shared_page)))
        return Pte{to_mfn(Maddr{pv::start->shared_info}), Pte::P | Pte::RW | tables.no_execute};
    bool image = v >= vaddr_of(image_start) && v < vaddr_of(image_end);
    auto bits = image ? image_bits(v, tables.no_execute) : Pte::P | Pte::RW | tables.no_execute;
    return Pte{Mmu::to_machine(f), is_boot_table(f) ? bits & ~std::uint64_t{Pte::RW} : bits};
}

// A new table is filled while it is still writable, then made read-only, then linked.
void link_kernel_table(Vaddr v, Pfn table)
{
    mmu().boot_table(table, Level::l1);
    mmu().set(Mmu::kernel_slot(vaddr_of(Mmu::frame_ptr(table))), Pte{Mmu::to_machine(table), Pte::P | tables.no_execute});
    mmu().set(const_cast<Pte *>(&tables.kernel_l2[table_index(Level::l2, v)]),
              Pte{Mmu::to_machine(table), Pte::P | Pte::RW});
    must(mmu().commit(), "a kernel page table");
}

void map_linear(std::uint32_t nr_frames)
{
    auto end = linear_base + (nr_frames << page_shift);
    for (auto v = linear_base; v < end; v += large_page) {
        auto frame = linear_frame(v);
        auto n = nr_frames - frame.raw() < entries_per_table ? nr_frames - frame.raw() : entries_per_table;
        if (tables.kernel_l2[table_index(Level::l2, v)].present()) {
            for (std::uint32_t i = 0; i < n; ++i)
                mmu().set(Mmu::kernel_slot(v + (i << page_shift)), linear_entry(frame + i));
            must(mmu().commit(), "the rights of the kernel's pages");
            continue;
        }
        auto l1 = take_frame();
        for (std::uint32_t i = 0; i < n; ++i)
            static_cast<Pte *>(Mmu::frame_ptr(l1))[i] = linear_entry(frame + i);
        link_kernel_table(v, l1);
    }
    mmu().invalidate_all();
    must(mmu().commit(), "a flush");
}

void make_kernel_map()
{
    for (auto v = kernel_map_start; v < kernel_map_end; v += large_page)
        link_kernel_table(v, take_frame());
}

// Asks by trying: does a second root with our slot 3 pass?
void try_sharing()
{
    auto f = take_frame();
    auto table = static_cast<Pte *>(Mmu::frame_ptr(f));
    table[3] = static_cast<Pte const *>(Mmu::frame_ptr(tables.root))[3];
    auto slot = vaddr_of(table);
    must(pv::update_va_mapping(slot, Pte{Mmu::to_machine(f), Pte::P}, UVMF_INVLPG), "a read-only page");
    mmuext_op op{MMUEXT_PIN_L3_TABLE, {Mmu::to_machine(f).raw()}, {0}};
    bool accepted = pv::mmuext_op(&op, 1).ok();
    op.cmd = MMUEXT_UNPIN_TABLE;
    if (accepted)
        must(pv::mmuext_op(&op, 1), "unpinning");
    must(pv::update_va_mapping(slot, linear_entry(f), UVMF_INVLPG), "a writable page");
    first_free -= 1;
    pv::learn_sharing(accepted);
}

bool has_no_execute() { return cpuid(0x8000'0000).eax >= 0x8000'0001 && (cpuid(0x8000'0001).edx >> 20 & 1) != 0; }
}  // namespace

BootTables const &boot_tables() { return tables; }

extern "C" [[noreturn]] void boot(start_info const &info);  // from start.S
void boot(start_info const &info)
{
    pv::start = &info;
    pv::identify_hypervisor();
    phys_to_machine = pointer_to<Mfn>(Vaddr{info.mfn_list});
    auto shared = vaddr_of(const_cast<shared_info *>(&pv::shared_page));
    auto mapped = pv::update_va_mapping(shared, Pte{to_mfn(Maddr{info.shared_info}), Pte::P | Pte::RW}, UVMF_INVLPG);
    console_early_init();
    must(mapped, "the shared page");

    static constinit BootInfo result{};
    auto most = (linear_end - linear_base) >> page_shift;
    result.nr_frames = info.nr_pages < most ? info.nr_pages : most;
    result.initrd = info.flags & SIF_MOD_START_PFN ? linear_base + (info.mod_start << page_shift) : Vaddr{info.mod_start};
    result.initrd_bytes = info.mod_len;
    first_free = end_of_loaded(info);

    tables.no_execute = has_no_execute() ? std::uint64_t{Pte::NX} : 0;
    find_tables(info);
    try_sharing();
    map_linear(result.nr_frames);
    make_kernel_map();

    result.first_free = first_free;
    result.root_table = tables.root;
    result.command_line = reinterpret_cast<char const *>(info.cmd_line);
    result.platform_name = pv::hypervisor().name;
    kernel::main(result);
}
}  // namespace arch
