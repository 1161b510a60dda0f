// SPDX-License-Identifier: MIT
// Page tables belong to the hypervisor once it has validated them; the root is changed by asking; frame numbers are translated.
//
//   new frame --adopt--> plain memory, written like any --load_root, or linked into a live table--> live: read-only in the
//   linear map, written by mmu_update in batches --disown--> plain memory
#pragma once
#include <arch/boot.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>
#include <pvlib/hypercall.hpp>
#include <pvlib/hypervisor.hpp>

namespace arch {
extern Mfn *phys_to_machine;  // boot.cpp: start_info's list, which is ours to keep true

class Mmu {
public:
    static Mfn to_machine(Pfn f) { return phys_to_machine[f.raw()]; }
    // Another machine frame stands behind `f` now, or none (no_mfn); the linear map's entry is the caller's business.
    static void set_machine(Pfn f, Mfn m) { phys_to_machine[f.raw()] = m; }
    static Pfn to_pseudo(Mfn f) { return pv::hypervisor().machine_to_phys[f.raw()]; }
    static void *frame_ptr(Pfn f) { return pointer_to<void>(linear_base + (f.raw() << page_shift)); }

    // For an L1 of a live space one of the spare frames, if there is one.
    Result<Pfn> allocate_table(Pte const *parent);
    // Only remembered: validation comes when the table is linked into a live one or its root is loaded.
    Result<> adopt(Pfn, Level);
    void disown(Pfn, Level);

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

    void boot_table(Pfn f, Level);  // boot.cpp: it has been live from the start

private:
    void set_elsewhere(Pte *slot, Pte value);
    void queue(Pte *slot, Pte value);
    void queue_at(Maddr, Pte value);
    void send(unsigned operations);
    void latch(Result<>);
    Result<> take_error();
    void protect(Pfn, bool writable);
    void make_live(Pfn table, Level);
    void make_plain(Pfn table, Level);
    static bool is_live(Pfn);
    static bool has_tables(Pfn);  // an L2 or L3

    static constexpr unsigned few = 16;  // more single invalidations than this cost more than one of everything
    static constexpr unsigned everything = few + 1;
    Vaddr stale_pages_[few];
    unsigned stale_ = 0;
    bool single_ = false;  // the one queued update is the entry of the one stale page: update_va_mapping does both

    // The live L1 table that was written last, and its machine address: most batches fill one. And the plain table that was.
    static constexpr std::uint32_t nowhere = 1;  // no table begins there
    std::uint32_t recent_ = nowhere, recent_plain_ = nowhere;
    Maddr recent_address_{};

    // Empty frames that are read-only already, the first of them since before the last flush. One that was writable after it
    // becomes a table by another flush only: the hypervisor cannot know that no translation is left.
    static constexpr unsigned most_spares = 8;
    Pfn spares_[most_spares];
    unsigned ready_spares_ = 0, nr_spares_ = 0;

    static constexpr unsigned batch = 128;
    ::mmu_update updates_[batch]{};
    unsigned queued_ = 0;
    Pfn loaded_{};
    Error error_ = Error::none;  // of something deferred, until commit()
};

inline void Mmu::queue_at(Maddr address, Pte value)
{
    if (queued_ == batch)
        send(0);
    updates_[queued_++] = {address.raw(), value.raw()};
}

inline void Mmu::set(Pte *slot, Pte value)
{
    auto v = vaddr_of(slot).raw();
    if (v - recent_ < page_size)
        queue_at(recent_address_ + (v - recent_), value);
    else if (v - recent_plain_ < page_size)
        *slot = value;
    else
        set_elsewhere(slot, value);
}
}  // namespace arch
