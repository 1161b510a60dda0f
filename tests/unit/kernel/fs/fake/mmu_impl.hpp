// SPDX-License-Identifier: MIT
// Frames are pages of one array (world.cpp); there are no page tables.
#pragma once
#include <arch/upcalls.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
class Mmu {
public:
    static Mfn to_machine(Pfn f) { return Mfn{f.raw()}; }
    static Pfn to_pseudo(Mfn f) { return Pfn{f.raw()}; }
    static void *frame_ptr(Pfn);
    Result<Pfn> allocate_table(Pte const *) { return kernel::allocate_zeroed_frame(); }
    Result<> adopt(Pfn, Level) { return {}; }
    void disown(Pfn, Level) {}
    void set(Pte *, Pte) {}
    void invalidate(Vaddr) {}
    void invalidate_all() {}
    Result<> commit() { return {}; }
    Result<> load_root(Pfn, Pfn) { return {}; }
};
}  // namespace arch
