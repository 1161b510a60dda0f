// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: the page tables of one address space, in facts rather than bits. Answered once for both
// architectures by x86-common/page_tables.cpp, over arch::Mmu. Changes may be deferred: call commit() before relying on them;
// it also flushes from the TLB what was changed or taken away.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
enum Protection : std::uint8_t { prot_none = 0, prot_read = 1, prot_write = 2, prot_exec = 4 };

struct Mapping {
    Pfn frame;
    std::uint8_t protection;  // Protection bits
    bool accessed, dirty;
};

class PageTables {
public:
    PageTables() = default;
    PageTables(PageTables const &) = delete;
    PageTables &operator=(PageTables const &) = delete;
    ~PageTables() { destroy(); }

    Result<> create();  // a root with the kernel's part already in it
    // Gives every table back, and tells f of each frame that was mapped, and whether it was touched through that mapping. If the
    // processor runs on these tables, that is put off until it has loaded others (load(), leave_dead()): they end together with their
    // translations, and nobody may touch user memory before.
    void destroy(void (*f)(Pfn, bool accessed) = nullptr);
    static void leave_dead();  // runs on tables that were destroyed: no more
    bool exists() const { return root_ != no_pfn; }

    // User mappings, [0, user_limit). Replaces what was there. Error::nomem: no frame for a table.
    Result<> map(Vaddr, Pfn, std::uint8_t protection);
    // Makes the tables for [start, end), so that map_missing() there allocates nothing. Error::nomem.
    Result<> prepare(Vaddr start, Vaddr end);
    // Maps frames[i] at start + i pages where nothing is mapped and frames[i] is not no_pfn; f is told of each that was. No entry of
    // these pages may wait for commit().
    Result<> map_missing(Vaddr start, Pfn const *frames, unsigned n, std::uint8_t protection, void (*f)(Pfn));
    bool lookup(Vaddr, Mapping &out) const;
    void unmap(Vaddr);
    void protect(Vaddr, std::uint8_t protection);  // of a present page
    void clear_accessed_dirty(Vaddr);
    // Calls f(context, address, mapping) for each present page in [start, end), skipping holes a table at a time.
    void for_each(Vaddr start, Vaddr end, void (*f)(void *, Vaddr, Mapping const &), void *context) const;
    // fork: maps into `child` the present pages of [start, end) where it has none; with `copy_on_write` write permission is taken away on
    // both sides. `accessed_at_most`: only so many, and only those that were touched. f is told of each frame shared (to take a reference).
    Result<> share(PageTables &child, Vaddr start, Vaddr end, bool copy_on_write, void (*f)(void *, Pfn), void *context,
                   std::uint32_t accessed_at_most = ~0u);
    // Unmaps [start, end) and frees tables that become empty; f gets each frame.
    void unmap_range(Vaddr start, Vaddr end, void (*f)(void *, Pfn, bool dirty), void *context);

    // Device memory: frames that are not the kernel's to count. Whoever knows how puts their entries, each with the value that
    // device_entry() gives, and takes them away before the page tables are destroyed. The functions above do not see them.
    Result<Maddr> device_slot(
        Vaddr);  // where the entry for that page is; nothing is pending for it. Error::nomem, Error::busy: in use
    static Pte device_entry(Mfn, std::uint8_t protection);
    // f(context, address, slot, frame) for each such entry in [start, end).
    void for_each_device(Vaddr start, Vaddr end, void (*f)(void *, Vaddr, Maddr slot, Mfn), void *context) const;
    void unmap_device(Vaddr start, Vaddr end);  // where nothing but an empty entry is needed

    Result<> commit();
    void load();  // becomes the running address space (no-op if it is already)

    // The kernel's own mappings above the linear map; shared by all address spaces.
    static Result<> map_kernel(Vaddr, Pfn, std::uint8_t protection);
    static void unmap_kernel(Vaddr);

    std::uint32_t in_use() const { return in_use_; }  // entries

private:
    Pfn root_ = no_pfn;
    std::uint32_t in_use_ = 0;
    friend struct PageTableWalk;
};
}  // namespace arch
