// SPDX-License-Identifier: MIT
// The page tables of an address space. Format (pte_bits.hpp), walk (here) and store (arch::Mmu) are three places, because only
// the store differs between architectures.
//
// Order matters to a hypervisor: a table is adopted before it is linked and disowned after it is unlinked and committed.
#include <arch/boot.hpp>
#include <arch/mmu.hpp>
#include <arch/page_tables.hpp>
#include <arch/upcalls.hpp>
#include <lib/x86/table_scan.hpp>
#include <pte_bits.hpp>
#include <utility>

namespace arch {
namespace {
constexpr std::uint32_t l2_bytes = 1u << l2_shift, l3_bytes = 1u << l3_shift;
constexpr std::uint64_t table_bits = Pte::P | Pte::RW | Pte::US;
constexpr unsigned user_slots = 3;  // of the root

Pte *table_of(Pte entry) { return static_cast<Pte *>(Mmu::frame_ptr(Mmu::to_pseudo(entry.frame()))); }

// The end of what the L1 table (the L2 table) that covers v covers. User addresses end below the last gigabyte: no wrap.
Vaddr end_of_l1(Vaddr v) { return Vaddr{(v.raw() & ~(l2_bytes - 1)) + l2_bytes}; }
Vaddr end_of_l2(Vaddr v) { return Vaddr{(v.raw() & ~(l3_bytes - 1)) + l3_bytes}; }

Vaddr smaller(Vaddr a, Vaddr b) { return a < b ? a : b; }

Pte *next_accessed(Pte *slot, Pte const *end)
{
    while (slot != end && !is_accessed(*slot))
        ++slot;
    return slot;
}

// The root that the processor still runs on, although its owner has given it up.
constinit struct Dead {
    Pfn root = no_pfn;
    void (*f)(Pfn, bool accessed) = nullptr;
} dead;

// Precondition: the root is disowned. Nobody allocates before commit(): until then a frame that is given back may still be read-only.
void give_back(Dead d)
{
    auto root = static_cast<Pte *>(Mmu::frame_ptr(d.root));
    for (unsigned i = 0; i < user_slots; ++i) {
        if (!root[i].present())
            continue;
        auto l2 = table_of(root[i]), l2_end = l2 + entries_per_table;
        mmu().disown(Mmu::to_pseudo(root[i].frame()), Level::l2);
        for (auto slot = next_used(l2, l2_end); slot != l2_end; slot = next_used(slot + 1, l2_end)) {
            auto l1 = table_of(*slot), l1_end = l1 + entries_per_table;
            for (auto e = next_used(l1, l1_end); d.f && e != l1_end; e = next_used(e + 1, l1_end))
                if (!is_device(*e))
                    d.f(Mmu::to_pseudo(frame_of(*e)), is_accessed(*e));
            mmu().disown(Mmu::to_pseudo(slot->frame()), Level::l1);
            kernel::unref_frame(Mmu::to_pseudo(slot->frame()));
        }
        kernel::unref_frame(Mmu::to_pseudo(root[i].frame()));
    }
    mmu().commit().take();
    mmu().detach_kernel(d.root);
    kernel::unref_frame(d.root);
}

void load_instead(Pfn root)
{
    auto loaded = mmu().load_root(root, dead.root);
    if (!loaded.ok())
        panic("cannot load page tables: error %d", to_errno(loaded));
    if (dead.root != no_pfn)
        give_back(std::exchange(dead, {}));
}
}  // namespace

struct PageTableWalk {
    PageTables &tables;
    static PageTableWalk for_reading(PageTables const &t) { return {const_cast<PageTables &>(t)}; }

    bool loaded() const { return mmu().loaded_root() == tables.root_; }
    Pte *l3_slot(Vaddr v) const { return &static_cast<Pte *>(Mmu::frame_ptr(tables.root_))[table_index(Level::l3, v)]; }
    // nullptr: there is no table there.
    Pte *l2_slot(Vaddr v) const
    {
        auto l3 = l3_slot(v);
        return l3->present() ? &table_of(*l3)[table_index(Level::l2, v)] : nullptr;
    }
    Pte *l1_slot(Vaddr v) const
    {
        auto l2 = l2_slot(v);
        return l2 && l2->present() ? &table_of(*l2)[table_index(Level::l1, v)] : nullptr;
    }

    // The same, making the tables that are missing. `parent`: the entry that will name an L1.
    static Result<Pfn> new_table(Level level, Pte const *parent = nullptr)
    {
        auto frame = TRY(mmu().allocate_table(parent));
        auto adopted = mmu().adopt(frame, level);
        if (!adopted.ok()) {
            kernel::unref_frame(frame);
            return adopted.error();
        }
        return frame;
    }
    Result<Pte *> make_l2_slot(Vaddr v) const
    {
        auto l3 = l3_slot(v);
        if (!l3->present()) {
            auto frame = TRY(new_table(Level::l2));
            mmu().set(l3, Pte{Mmu::to_machine(frame), Pte::P});
            TRY(mmu().commit());
            if (loaded())
                TRY(mmu().reload_root());  // the processor has a copy of the root's entries
        }
        return &table_of(*l3)[table_index(Level::l2, v)];
    }
    Result<Pte *> make_l1_slot(Vaddr v) const
    {
        auto l2 = TRY(make_l2_slot(v));
        if (!l2->present()) {
            auto frame = TRY(new_table(Level::l1, l2));
            mmu().set(l2, Pte{Mmu::to_machine(frame), table_bits});
            TRY(mmu().commit());
        }
        return &table_of(*l2)[table_index(Level::l1, v)];
    }

    static unsigned counts(Pte e) { return e.raw() && !is_device(e); }
    void count(Pte old, Pte value) const { tables.in_use_ += counts(value) - counts(old); }
    void store(Pte *slot, Vaddr v, Pte value) const
    {
        auto old = *slot;
        count(old, value);
        mmu().set(slot, value);
        if (old.present() && loaded())
            mmu().invalidate(v);  // what was not present is not in the TLB
    }
    // Nothing is in use of the table but kernel frames of [v, stop).
    static bool is_all(Pte l2, Vaddr v, Vaddr stop)
    {
        auto table = table_of(l2), first = table + table_index(Level::l1, v), last = first + ((stop - v) >> page_shift);
        auto const end = table + entries_per_table;
        if (next_used(table, first) != first || next_used(last, end) != end)
            return false;
        bool device = false;
        each_in_table(l2, v, stop, [&](Pte *slot, Vaddr) { device = device || is_device(*slot); });
        return !device;
    }

    // The L2 entry of the first L1 table at or after v, and v moved to where that table begins; nullptr: none before end.
    Pte *next_l1_table(Vaddr &v, Vaddr end) const
    {
        while (v < end) {
            if (auto first = l2_slot(v)) {
                auto last = first + (entries_per_table - table_index(Level::l2, v));
                auto used = next_used(first, last);
                if (used != first)
                    v = end_of_l1(v) + (static_cast<std::uint32_t>(used - first - 1) << l2_shift);
                if (used != last)
                    return v < end ? used : nullptr;
            } else {
                v = end_of_l2(v);
            }
        }
        return nullptr;
    }
    // f(slot, address) for each entry in use of [v, stop), which one L1 table covers.
    template <class F>
    static void each_in_table(Pte l2, Vaddr v, Vaddr stop, F f)
    {
        auto first = &table_of(l2)[table_index(Level::l1, v)], last = first + ((stop - v) >> page_shift);
        for (auto slot = next_used(first, last); slot != last; slot = next_used(slot + 1, last))
            f(slot, v + (static_cast<std::uint32_t>(slot - first) << page_shift));
    }
    // The same for [start, end); holes are skipped by tables.
    template <class F>
    void each_used(Vaddr start, Vaddr end, F f) const
    {
        for (auto v = start; auto l2 = next_l1_table(v, end); v = end_of_l1(v))
            each_in_table(*l2, v, smaller(end_of_l1(v), end), f);
    }
    // The same, for entries of the kernel's frames.
    template <class F>
    void each(Vaddr start, Vaddr end, F f) const
    {
        each_used(start, end, [&](Pte *slot, Vaddr v) {
            if (!is_device(*slot))
                f(slot, v);
        });
    }
    // Of an entry whose table exists.
    Maddr slot_address(Vaddr v) const
    {
        return to_maddr(l2_slot(v)->frame(), table_index(Level::l1, v) * static_cast<unsigned>(sizeof(Pte)));
    }
    // The slot for v if there is an entry of the kernel's frames in it.
    Pte *used_slot(Vaddr v) const
    {
        auto slot = l1_slot(v);
        return slot && slot->raw() && !is_device(*slot) ? slot : nullptr;
    }
};

Result<> PageTables::create()
{
    auto root = TRY(PageTableWalk::new_table(Level::l3));
    auto attached = mmu().attach_kernel(root);
    if (!attached.ok()) {
        mmu().disown(root, Level::l3);
        kernel::unref_frame(root);
        return attached;
    }
    root_ = root;
    return {};
}

void PageTables::destroy(void (*f)(Pfn, bool accessed))
{
    if (!exists())
        return;
    Dead mine{std::exchange(root_, no_pfn), f};
    in_use_ = 0;
    if (mmu().loaded_root() == mine.root) {
        ASSERT(dead.root == no_pfn);
        dead = mine;
        return;
    }
    mmu().disown(mine.root, Level::l3);
    give_back(mine);
}

void PageTables::leave_dead()
{
    if (dead.root != no_pfn)
        load_instead(Mmu::kernel_root());
}

Result<> PageTables::map(Vaddr v, Pfn frame, std::uint8_t protection)
{
    ASSERT(v < user_limit);
    PageTableWalk walk{*this};
    auto slot = TRY(walk.make_l1_slot(v));
    walk.store(slot, v, user_entry(Mmu::to_machine(frame), protection, Mmu::no_execute()));
    return {};
}

Result<> PageTables::prepare(Vaddr start, Vaddr end)
{
    PageTableWalk walk{*this};
    for (auto v = start; v < end; v = end_of_l1(v))
        TRY(walk.make_l1_slot(v));
    return {};
}

Result<> PageTables::map_missing(Vaddr start, Pfn const *frames, unsigned n, std::uint8_t protection, void (*f)(Pfn))
{
    ASSERT(start <= user_limit && n <= (user_limit - start) >> page_shift);
    PageTableWalk walk{*this};
    Pte *slot = nullptr;
    auto no_execute = Mmu::no_execute();
    for (auto v = start; n; --n, ++frames, ++slot, v += page_size) {
        if (!slot || table_index(Level::l1, v) == 0)
            slot = TRY(walk.make_l1_slot(v));
        if (slot->raw() || *frames == no_pfn)
            continue;
        mmu().set(slot, user_entry(Mmu::to_machine(*frames), protection, no_execute));
        ++in_use_;
        f(*frames);
    }
    return {};
}

bool PageTables::lookup(Vaddr v, Mapping &out) const
{
    auto slot = PageTableWalk::for_reading(*this).used_slot(v);
    if (!slot)
        return false;
    out = mapping_of(*slot, Mmu::to_pseudo(frame_of(*slot)));
    return true;
}

void PageTables::unmap(Vaddr v)
{
    PageTableWalk walk{*this};
    if (auto slot = walk.used_slot(v))
        walk.store(slot, v, Pte{});
}

void PageTables::protect(Vaddr v, std::uint8_t protection)
{
    PageTableWalk walk{*this};
    if (auto slot = walk.used_slot(v))
        walk.store(slot, v, with_protection(*slot, protection, Mmu::no_execute()));
}

void PageTables::clear_accessed_dirty(Vaddr v)
{
    PageTableWalk walk{*this};
    if (auto slot = walk.used_slot(v))
        walk.store(slot, v, slot->without(Pte::A | Pte::D));
}

void PageTables::for_each(Vaddr start, Vaddr end, void (*f)(void *, Vaddr, Mapping const &), void *context) const
{
    PageTableWalk::for_reading(*this).each(
        start, end, [&](Pte *slot, Vaddr v) { f(context, v, mapping_of(*slot, Mmu::to_pseudo(frame_of(*slot)))); });
}

Result<> PageTables::share(PageTables &child, Vaddr start, Vaddr end, bool copy_on_write, void (*f)(void *, Pfn),
                           void *context, std::uint32_t accessed_at_most)
{
    PageTableWalk mine{*this}, theirs{child};
    bool narrowed = false;
    auto const next = accessed_at_most == ~0u ? next_used : next_accessed;
    auto at_most = accessed_at_most;
    for (auto v = start; auto l2 = at_most ? mine.next_l1_table(v, end) : nullptr; v = end_of_l1(v)) {
        auto copy = TRY(theirs.make_l1_slot(v));
        auto first = &table_of(*l2)[table_index(Level::l1, v)],
             last = first + ((smaller(end_of_l1(v), end) - v) >> page_shift);
        for (auto slot = next(first, last); at_most && slot != last; slot = next(slot + 1, last)) {
            auto entry = *slot;
            auto to = copy + (slot - first);
            if (is_device(entry) || to->raw())
                continue;
            --at_most;
            if (copy_on_write && entry.has(Pte::RW)) {
                entry = entry.without(Pte::RW);
                mmu().set(slot, entry);
                narrowed = true;
            }
            mmu().set(to, entry);
            ++child.in_use_;
            f(context, Mmu::to_pseudo(frame_of(entry)));
        }
    }
    if (narrowed && mine.loaded())
        mmu().invalidate_all();
    return {};
}

namespace {
// L1 tables that are unlinked, as they are: what they map is gone with them, by one flush for all.
class UnlinkedTables {
public:
    ~UnlinkedTables() { release(); }
    void add(Pfn table)
    {
        tables_[n_++] = table;
        if (n_ == most)
            release();
    }

private:
    void release()
    {
        mmu().commit().take();
        for (unsigned i = 0; i < n_; ++i)
            mmu().disown(tables_[i], Level::l1);
        mmu().commit().take();
        while (n_)
            kernel::unref_frame(tables_[--n_]);
    }

    static constexpr unsigned most = 32;
    Pfn tables_[most];
    unsigned n_ = 0;
};
}  // namespace

void PageTables::unmap_range(Vaddr start, Vaddr end, void (*f)(void *, Pfn, bool dirty), void *context)
{
    PageTableWalk walk{*this};
    mmu().commit().take();  // what is in use of a table is seen in it
    UnlinkedTables gone;
    for (auto v = start; auto l2 = walk.next_l1_table(v, end); v = end_of_l1(v)) {
        auto stop = smaller(end_of_l1(v), end);
        bool whole = PageTableWalk::is_all(*l2, v, stop);
        PageTableWalk::each_in_table(*l2, v, stop, [&](Pte *slot, Vaddr page) {
            auto old = *slot;
            if (is_device(old))
                return;
            if (whole)
                walk.count(old, Pte{});
            else
                walk.store(slot, page, Pte{});
            f(context, Mmu::to_pseudo(frame_of(old)), is_dirty(old));
        });
        if (!whole)
            continue;
        auto table = Mmu::to_pseudo(l2->frame());
        mmu().set(l2, Pte{});
        if (walk.loaded())
            mmu().invalidate_all();
        gone.add(table);
    }
}

// --- device memory ---
Result<Maddr> PageTables::device_slot(Vaddr v)
{
    PageTableWalk walk{*this};
    auto slot = TRY(walk.make_l1_slot(v));
    TRY(mmu().commit());
    if (slot->raw())
        return Error::busy;
    return walk.slot_address(v);
}

Pte PageTables::device_entry(Mfn frame, std::uint8_t protection)
{
    return Pte{frame, user_bits(protection, Mmu::no_execute()) | pte_device};
}

void PageTables::for_each_device(Vaddr start, Vaddr end, void (*f)(void *, Vaddr, Maddr, Mfn), void *context) const
{
    auto walk = PageTableWalk::for_reading(*this);
    walk.each_used(start, end, [&](Pte *slot, Vaddr v) {
        if (is_device(*slot))
            f(context, v, walk.slot_address(v), slot->frame());
    });
}

void PageTables::unmap_device(Vaddr start, Vaddr end)
{
    PageTableWalk walk{*this};
    walk.each_used(start, end, [&](Pte *slot, Vaddr v) {
        if (is_device(*slot))
            walk.store(slot, v, Pte{});
    });
    mmu().commit().take();
}

Result<> PageTables::commit() { return mmu().commit(); }

void PageTables::load() { load_instead(root_); }

Result<> PageTables::map_kernel(Vaddr v, Pfn frame, std::uint8_t protection)
{
    mmu().set(Mmu::kernel_slot(v), kernel_entry(Mmu::to_machine(frame), protection, Mmu::no_execute(), Mmu::global()));
    return mmu().commit();
}

void PageTables::unmap_kernel(Vaddr v)
{
    mmu().set(Mmu::kernel_slot(v), Pte{});
    mmu().invalidate(v);
    mmu().commit().take();
}
}  // namespace arch
