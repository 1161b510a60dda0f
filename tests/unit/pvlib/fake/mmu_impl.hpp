// SPDX-License-Identifier: MIT
// A domain whose frames are an array of this process. Machine frames are numbered apart, so that nobody takes one for the other.
#pragma once
#include <arch/upcalls.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
class Mmu {
public:
    static constexpr std::uint32_t frames = 4096;
    static Mfn to_machine(Pfn);
    static Pfn to_pseudo(Mfn);
    static void set_machine(Pfn, Mfn);
    static void *frame_ptr(Pfn);
    Result<Pfn> allocate_table(Pte const *) { return kernel::allocate_zeroed_frame(); }
    Result<> adopt(Pfn, Level) { return {}; }
    void disown(Pfn, Level) {}
    void set(Pte *slot, Pte value) { *slot = value; }
    void invalidate(Vaddr) {}
    void invalidate_all() {}
    Result<> commit() { return {}; }
    Result<> load_root(Pfn, Pfn) { return {}; }
    Result<> reload_root() { return {}; }
    Pfn loaded_root() const { return no_pfn; }
    Result<> attach_kernel(Pfn) { return {}; }
    void detach_kernel(Pfn) {}
    static Pte *kernel_slot(Vaddr) { return nullptr; }
    static Pfn kernel_root() { return no_pfn; }
    static std::uint64_t no_execute() { return Pte::NX; }
    static std::uint64_t global() { return 0; }
};
Mmu &mmu();
}  // namespace arch
