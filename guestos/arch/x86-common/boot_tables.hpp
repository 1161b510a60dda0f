// SPDX-License-Identifier: MIT
// The page tables boot.cpp leaves behind. The kernel's part, slot 3 of every root, has all its L1 tables from the start, so
// that its L2 never changes and address spaces may share it or copy it.
#pragma once
#include <lib/addr.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
struct BootTables {
    Pfn root{};                      // nothing in its user part
    Pte const *kernel_l2 = nullptr;  // what slot 3 of `root` names
    std::uint64_t no_execute = 0;    // Pte::NX or 0
};
BootTables const &boot_tables();

// link.ld, all page-aligned.
extern "C" char image_start[], text_end[], rodata_end[], image_end[];

// How an address of the image may be used: W^X.
inline std::uint64_t image_bits(Vaddr v, std::uint64_t no_execute)
{
    if (v < vaddr_of(text_end))
        return Pte::P;
    if (v < vaddr_of(rodata_end))
        return Pte::P | no_execute;
    return Pte::P | Pte::RW | no_execute;
}
}  // namespace arch
