// SPDX-License-Identifier: MIT
// SDM Vol. 3A 4.4 "PAE Paging", 4.10.4 "Invalidation of TLBs and Paging-Structure Caches".
#include <hv/heap.hpp>
#include <hv/layout.hpp>
#include <hv/memory.hpp>
#include <hv/paging.hpp>
#include <hv/percpu.hpp>
#include <hv/tlb.hpp>
#include <hv/validate.hpp>
#include <lib/panic.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>

extern "C" {
// boot.S
extern Pte boot_l3[], boot_low_l2[], hypervisor_l2[], image_l1[];
// hv.ld
extern char image_text_end[], image_rodata_end[], image_end[];
}

namespace hv {

std::uint32_t flush_clock;
bool flush_due;

namespace {

constexpr unsigned mapping_tables = 2, window_tables = descriptor_window_bytes >> l2_shift;
alignas(page_size) Pte mapping_l1[mapping_tables * entries_per_table];
alignas(page_size) Pte window_l1[window_tables * entries_per_table];
std::uint64_t global_bit;
Mfn root = no_mfn;

unsigned l2_index(std::uint32_t address) { return table_index(Level::l2, Vaddr{address}); }

Mfn image_mfn(void const *p)
{
    auto offset = reinterpret_cast<std::uintptr_t>(p) - image_start;
    return Mfn{static_cast<std::uint32_t>((offset + image_machine_start) >> page_shift)};
}

void install(std::uint32_t address, Pte *tables, unsigned count)
{
    for (unsigned i = 0; i < count; ++i)
        hypervisor_l2[l2_index(address) + i] = Pte{image_mfn(tables + i * entries_per_table), Pte::P | Pte::RW | Pte::A};
}

// Text executes and is not written; constants neither; the rest is written and does not execute.
void protect_image()
{
    auto text_end = reinterpret_cast<std::uintptr_t>(image_text_end);
    auto rodata_end = reinterpret_cast<std::uintptr_t>(image_rodata_end);
    for (std::uint32_t a = image_start; a < image_start + image_bytes; a += page_size) {
        std::uint64_t bits = a < text_end ? 0 : a < rodata_end ? nx_bit() : Pte::RW | Pte::D | nx_bit();
        Pte *slot = hypervisor_pte(a);
        *slot = Pte{slot->frame(), Pte::P | Pte::A | global_bit | bits};
    }
}

}  // namespace

std::uint64_t nx_bit() { return boot_nx ? std::uint64_t{Pte::NX} : 0; }

Pte *hypervisor_pte(std::uint32_t address)
{
    if (address >= descriptor_window_start)
        return &window_l1[(address - descriptor_window_start) >> page_shift];
    if (address >= image_start)
        return &image_l1[(address - image_start) >> page_shift];
    ASSERT(address >= mapping_start);
    return &mapping_l1[(address - mapping_start) >> page_shift];
}

void paging_init()
{
    if (x86::cpuid(1).edx & 1u << 13) {
        x86::write_cr4(x86::read_cr4() | x86::CR4_PGE);
        global_bit = Pte::G;
    }
    install(mapping_start, mapping_l1, mapping_tables);
    install(descriptor_window_start, window_l1, window_tables);
    protect_image();
    boot_l3[0] = Pte{};
    load_idle_root();
}

void map_hypervisor_range(std::uint32_t address, Mfn first, std::uint32_t pages)
{
    for (std::uint32_t i = 0; i < pages; ++i, address += page_size) {
        Pte &l2 = hypervisor_l2[l2_index(address)];
        if (!l2.present()) {
            void *table = allocate_pages(0);
            ASSERT(table);
            l2 = Pte{heap_mfn(table), Pte::P | Pte::RW | Pte::A};
        }
        Pte *l1 = static_cast<Pte *>(heap_address(l2.frame()));
        l1[table_index(Level::l1, Vaddr{address})] = Pte{first + i,
                                                         Pte::P | Pte::RW | Pte::A | Pte::D | global_bit | nx_bit()};
    }
}

// The same L1 tables; that the L2 entry has no RW makes the whole view read-only (SDM Vol. 3A 4.6.1).
void show_m2p_to_guests()
{
    for (unsigned i = 0; i < m2p_bytes >> l2_shift; ++i) {
        Pte writable = hypervisor_l2[l2_index(m2p_start) + i];
        hypervisor_l2[l2_index(guest_m2p_start) + i] = writable.without(Pte::RW);
    }
}

Pte const *hypervisor_entries() { return &hypervisor_l2[guest_entries(FrameType::l2_top)]; }

void map_descriptor_window(Vcpu &v, unsigned page, Mfn frame)
{
    if (v.window == no_window)
        return;
    std::uint32_t address = window_gdt(v.window) + page * page_size;
    *hypervisor_pte(address) = Pte{frame, Pte::P | Pte::RW | Pte::A | Pte::D | global_bit | nx_bit()};
    x86::invlpg(address);
}

void unmap_descriptor_window(Vcpu &v, unsigned page)
{
    if (v.window == no_window)
        return;
    std::uint32_t address = window_gdt(v.window) + page * page_size;
    *hypervisor_pte(address) = Pte{};
    x86::invlpg(address);
}

void flush_before_guest()
{
    if (this_cpu().current && !flush_due)
        ++current_domain().counters.safety_flushes;
    flush_due = true;
}

void flush_tlb()
{
    ++flush_clock;
    flush_due = false;
    x86::write_cr3(x86::read_cr3());
}

void flush_tlb_page(std::uint32_t address) { x86::invlpg(address); }

void load_root(Mfn l3)
{
    ++flush_clock;
    flush_due = false;
    root = l3;
    x86::write_cr3(l3.raw() << page_shift);
}

Mfn loaded_root() { return root; }
void load_idle_root() { load_root(image_mfn(boot_l3)); }
void flush_caches() { asm volatile("wbinvd" ::: "memory"); }

}  // namespace hv
