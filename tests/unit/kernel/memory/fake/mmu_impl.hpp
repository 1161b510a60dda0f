// SPDX-License-Identifier: MIT
// A machine whose memory is an array of this process; nothing ever runs on its page tables.
#pragma once
#include <arch/upcalls.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
class Mmu {
public:
    static constexpr std::uint32_t frames = 8192;
    static Mfn to_machine(Pfn f) { return Mfn{f.raw() + 0x1000}; }
    static Pfn to_pseudo(Mfn f) { return Pfn{f.raw() - 0x1000}; }
    static void *frame_ptr(Pfn);
    Result<Pfn> allocate_table(Pte const *) { return kernel::allocate_zeroed_frame(); }
    Result<> adopt(Pfn, Level) { return {}; }
    void disown(Pfn, Level) {}
    static inline Pte *last_set = nullptr;
    void set(Pte *slot, Pte value) { *(last_set = slot) = value; }
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
