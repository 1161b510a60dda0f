// SPDX-License-Identifier: MIT
// Page tables are memory, the root is CR3, frame numbers are the machine's own.
#pragma once
#include <arch/boot.hpp>
#include <arch/upcalls.hpp>
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

    Result<Pfn> allocate_table(Pte const *) { return kernel::allocate_zeroed_frame(); }
    // Hardware does not care which frames are tables.
    Result<> adopt(Pfn, Level) { return {}; }
    void disown(Pfn, Level) {}

    void set(Pte *slot, Pte value);
    void invalidate(Vaddr);
    void invalidate_all() { stale_ = everything; }
    Result<> commit();
    Result<> load_root(Pfn root, Pfn dead = no_pfn);
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

// The page walker must never see a present entry that is half old, half new. While the lower half says "not present" the upper
// does not matter, so that two plain stores in the right order do for all but a present entry that gets another upper half; SDM
// Vol. 3A, 8.2.2: stores are seen in order.
inline void Mmu::set(Pte *slot, Pte value)
{
    auto halves = reinterpret_cast<std::uint32_t volatile *>(slot);
    auto low = static_cast<std::uint32_t>(value.raw()), high = static_cast<std::uint32_t>(value.raw() >> 32);
    if (!(halves[0] & Pte::P)) {
        halves[1] = high;
        halves[0] = low;
    } else if (halves[1] == high) {
        halves[0] = low;
    } else if (!value.present()) {
        halves[0] = low;
        halves[1] = high;
    } else {
        store_atomic(slot, value);
    }
}
}  // namespace arch
