// SPDX-License-Identifier: MIT
// From what the loader left to BootInfo: how much memory there is, where the initrd is, and the final page tables.
//
//   linear_base +--------------------------------+ frame 0
//               | 4 KB pages: image W^X          |  to the 2 MB boundary behind the image
//               | 2 MB pages: writable, NX       |  all other frames
//   kernel_map_start +---------------------------+
//               | empty L1 tables                |  arch::PageTables::map_kernel()
//               +--------------------------------+ kernel_map_end
//               | IO-APIC, local APIC            |  uncached, each at its machine address
#include <arch/boot.hpp>
#include <arch/mmu.hpp>
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <boot_tables.hpp>
#include <cpuid_impl.hpp>
#include <cstring>
#include <early.hpp>
#include <lib/x86/apic.hpp>

namespace arch {
namespace {
// Multiboot Specification 0.6.96, 3.3.
struct MultibootInfo {
    std::uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
};
struct MultibootModule {
    std::uint32_t start, end, string, reserved;
};
constexpr std::uint32_t multiboot_magic = 0x2bad'b002;
constexpr std::uint32_t large_page = 1u << l2_shift;

alignas(page_size) constinit Pte kernel_l2[entries_per_table];
alignas(page_size) constinit Pte kernel_l3[entries_per_pdpt];
constinit BootTables tables;
constinit char command_line[2048];
constinit Pfn first_free;

template <class T>
T *physical(std::uint32_t address)
{
    return pointer_to<T>(linear_base + address);
}

Pfn image_frame(void const *p) { return Pfn{(vaddr_of(p) - linear_base) >> page_shift}; }

Pfn take_frame()
{
    auto f = first_free;
    ++first_free;
    std::memset(Mmu::frame_ptr(f), 0, page_size);
    return f;
}

// Frames from here on hold nothing that the loader left.
Pfn end_of_loaded(MultibootInfo const &info)
{
    auto end = vaddr_of(image_end) - linear_base;
    auto at_least = [&](std::uint32_t address) { end = address > end ? address : end; };
    auto modules = physical<MultibootModule const>(info.mods_addr);
    for (std::uint32_t i = 0; i < info.mods_count; ++i)
        at_least(modules[i].end);
    return Pfn{pages_for(end)};
}

// The loader's first word is its name for the kernel.
void copy_command_line(char const *text)
{
    while (*text && *text != ' ')
        ++text;
    while (*text == ' ')
        ++text;
    for (std::size_t i = 0; text[i] && i < sizeof command_line - 1; ++i)
        command_line[i] = text[i];
}

void map_linear(std::uint32_t nr_frames)
{
    auto end = linear_base + (nr_frames << page_shift);
    auto fine_end = Vaddr{(vaddr_of(image_end).raw() + large_page - 1) & ~(large_page - 1)};
    for (auto v = linear_base; v < end; v += large_page) {
        auto &l2 = kernel_l2[table_index(Level::l2, v)];
        Mfn frame{(v - linear_base) >> page_shift};
        if (v >= fine_end) {
            l2 = Pte{frame, Pte::P | Pte::RW | Pte::PS | Pte::G | tables.no_execute};
            continue;
        }
        auto l1 = take_frame();
        l2 = Pte{Mmu::to_machine(l1), Pte::P | Pte::RW};
        for (std::uint32_t i = 0; i < entries_per_table; ++i) {
            auto page = v + (i << page_shift);
            bool image = page >= vaddr_of(image_start) && page < vaddr_of(image_end);
            auto bits = image ? image_bits(page, tables.no_execute) : Pte::P | Pte::RW | tables.no_execute;
            static_cast<Pte *>(Mmu::frame_ptr(l1))[i] = Pte{frame + i, bits | Pte::G};
        }
    }
}

void make_kernel_map()
{
    for (auto v = kernel_map_start; v < kernel_map_end; v += large_page)
        kernel_l2[table_index(Level::l2, v)] = Pte{Mmu::to_machine(take_frame()), Pte::P | Pte::RW};
}

// At the addresses they have after reset; each in a 2 MB page of its own, where there is nothing else but devices.
void map_interrupt_controllers()
{
    for (auto registers : {x86::io_apic_default_base, x86::local_apic_default_base})
        kernel_l2[table_index(Level::l2, Vaddr{registers})] = Pte{
            Mfn{registers >> page_shift}, Pte::P | Pte::RW | Pte::PS | Pte::PCD | Pte::PWT | Pte::G | tables.no_execute};
}

bool has_no_execute() { return cpuid(0x8000'0000).eax >= 0x8000'0001 && (cpuid(0x8000'0001).edx >> 20 & 1) != 0; }
}  // namespace

BootTables const &boot_tables() { return tables; }

extern "C" [[noreturn]] void boot(std::uint32_t magic, std::uint32_t info_address);  // from start.S
void boot(std::uint32_t magic, std::uint32_t info_address)
{
    console_early_init();
    if (magic != multiboot_magic)
        panic("not started by a multiboot loader (magic %#x)", magic);
    auto info = *physical<MultibootInfo const>(info_address);
    if (!(info.flags & 1))
        panic("the boot loader does not say how much memory there is");
    if (!(info.flags & 8))
        info.mods_count = 0;
    if (info.flags & 4)
        copy_command_line(physical<char const>(info.cmdline));

    static constinit BootInfo result{};
    auto frames = (1024 + info.mem_upper) / 4, most = (linear_end - linear_base) >> page_shift;
    result.nr_frames = frames < most ? frames : most;
    if (info.mods_count) {
        auto module = *physical<MultibootModule const>(info.mods_addr);
        result.initrd = linear_base + module.start;
        result.initrd_bytes = module.end - module.start;
    }
    first_free = end_of_loaded(info);

    tables = {image_frame(kernel_l3), kernel_l2, has_no_execute() ? std::uint64_t{Pte::NX} : 0};
    map_linear(result.nr_frames);
    make_kernel_map();
    map_interrupt_controllers();
    kernel_l3[3] = Pte{Mmu::to_machine(image_frame(kernel_l2)), Pte::P};
    mmu().load_root(tables.root).take();

    result.first_free = first_free;
    result.root_table = tables.root;
    result.command_line = command_line;
    result.platform_name = "native";
    kernel::main(result);
}
}  // namespace arch
