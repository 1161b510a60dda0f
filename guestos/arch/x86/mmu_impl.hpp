// SPDX-License-Identifier: MIT
// Page tables are memory, the root is CR3, frame numbers are the machine's own.
#pragma once
#include <arch/boot.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
class Mmu {
public:
    static Mfn to_machine(Pfn f) { return Mfn{f.raw()}; }
    static Pfn to_pseudo(Mfn f) { return Pfn{f.raw()}; }
    static void *frame_ptr(Pfn f) { return pointer_to<void>(linear_base + (f.raw() << page_shift)); }

    // Hardware does not care which frames are tables.
    Result<> adopt(Pfn, Level) { return {}; }
    void disown(Pfn, Level) {}

    void set(Pte *slot, Pte value) { store_atomic(slot, value); }
    void invalidate(Vaddr);
    void invalidate_all() { stale_ = everything; }
    Result<> commit();
    Result<> load_root(Pfn root);
    Result<> reload_root();
    Pfn loaded_root() const { return loaded_; }

    Result<> attach_kernel(Pfn root);
    void detach_kernel(Pfn root);
    static Pte *kernel_slot(Vaddr);
    static Pfn kernel_root();
    static std::uint64_t no_execute();
    static std::uint64_t global();

private:
    static constexpr unsigned few = 16;  // more single invalidations than this cost more than one of everything
    static constexpr unsigned everything = few + 1;
    Vaddr stale_pages_[few];
    unsigned stale_ = 0;
    Pfn loaded_{};
};
}  // namespace arch
