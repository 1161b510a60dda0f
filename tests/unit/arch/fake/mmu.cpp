// SPDX-License-Identifier: MIT
#include <arch/mmu.hpp>
#include <cstring>

namespace arch {
Mmu the_mmu;

namespace {
alignas(page_size) Pte memory[Mmu::frames][entries_per_table];
constexpr Pfn root_frame{1}, kernel_l2{2}, kernel_l1{3};

Pfn frame_of_slot(Pte const *slot)
{
    return Pfn{static_cast<std::uint32_t>((slot - &memory[0][0]) / entries_per_table)};
}

Level below(Level l) { return static_cast<Level>(static_cast<unsigned>(l) - 1); }
}  // namespace

void *Mmu::frame_ptr(Pfn f) { return f.raw() < frames ? memory[f.raw()] : nullptr; }

void Mmu::reset()
{
    *this = Mmu{};
    std::memset(memory, 0, sizeof memory);
    memory[root_frame.raw()][3] = Pte{to_machine(kernel_l2), Pte::P};
    memory[kernel_l2.raw()][0] = Pte{to_machine(kernel_l1), Pte::P | Pte::RW};
    tables_ = {{root_frame.raw(), Level::l3}, {kernel_l2.raw(), Level::l2}, {kernel_l1.raw(), Level::l1}};
    load_root(root_frame, no_pfn).take();
}

Result<> Mmu::adopt(Pfn f, Level level)
{
    if (tables_.count(f.raw()))
        breach("adopted twice");
    tables_[f.raw()] = level;
    return {};
}

void Mmu::disown(Pfn f, Level level)
{
    auto t = tables_.find(f.raw());
    if (t == tables_.end() || t->second != level)
        breach("disowned, but not a table of that level");
    if (loaded_ == f)
        breach("disowned while loaded");
    if (level != Level::l3 && names_of(f))
        breach("disowned while linked");
    tables_.erase(f.raw());
    if (level == Level::l3)
        plain_.insert(f.raw());
}

void Mmu::given_back(Pfn f)
{
    plain_.erase(f.raw());
    if (tables_.erase(f.raw()))
        breach("a table was given back without being disowned");
}

unsigned Mmu::names_of(Pfn table) const
{
    unsigned n = 0;
    for (auto [frame, level] : tables_)
        for (auto entry : memory[frame])
            n += level != Level::l1 && entry.present() && to_pseudo(entry.frame()) == table;
    return n;
}

void Mmu::set(Pte *slot, Pte value) { queue_.push_back({slot, value}); }

void Mmu::check_upper(Level level, Pte value)
{
    if (!value.present())
        return;
    auto child = to_pseudo(value.frame());
    auto t = tables_.find(child.raw());
    if (t == tables_.end() || t->second != below(level))
        breach("linked without being adopted");
    else if (names_of(child) && child != kernel_l2)
        breach("linked twice");
}

void Mmu::apply(Request const &r)
{
    auto owner = tables_.find(frame_of_slot(r.slot).raw());
    if (owner == tables_.end()) {
        if (!plain_.count(frame_of_slot(r.slot).raw()))
            breach("a store outside the tables");
        *r.slot = r.value;
        return;
    }
    auto level = owner->second;
    if (level != Level::l1)
        check_upper(level, r.value);
    else if (r.value.has(Pte::P | Pte::RW) && tables_.count(to_pseudo(r.value.frame()).raw()))
        breach("a writable mapping of a table");
    *r.slot = r.value;
}

Result<> Mmu::commit()
{
    for (auto const &r : std::exchange(queue_, {}))
        apply(r);
    for (auto page : stale_)
        tlb_.erase(page);
    if (all_stale_)
        tlb_.clear();
    stale_.clear();
    all_stale_ = false;
    return {};
}

Result<> Mmu::load_root(Pfn root, Pfn dead)
{
    TRY(commit());
    if (dead != no_pfn && dead != loaded_)
        breach("another root than the loaded one ends by loading");
    if (loaded_ == root)
        return {};
    auto t = tables_.find(root.raw());
    if (t == tables_.end() || t->second != Level::l3 || !memory[root.raw()][3].present())
        breach("loaded what is not a root");
    loaded_ = root;
    if (dead != no_pfn)
        disown(dead, Level::l3);
    return reload_root();
}

Result<> Mmu::reload_root()
{
    tlb_.clear();
    root_cache_.assign(memory[loaded_.raw()], memory[loaded_.raw()] + entries_per_pdpt);
    return {};
}

Result<> Mmu::attach_kernel(Pfn root)
{
    set(&memory[root.raw()][3], memory[root_frame.raw()][3]);
    return commit();
}

void Mmu::detach_kernel(Pfn root)
{
    set(&memory[root.raw()][3], Pte{});
    commit().take();
}

Pte *Mmu::kernel_slot(Vaddr v) { return &memory[kernel_l1.raw()][table_index(Level::l1, v)]; }

Pfn Mmu::kernel_root() { return root_frame; }

// The L1 entry, or nullptr.
Pte *Mmu::walk(Vaddr v) const
{
    Pte const *entry = &root_cache_[table_index(Level::l3, v)];
    Pte *found = nullptr;
    for (auto level : {Level::l2, Level::l1}) {
        if (!entry->present())
            return nullptr;
        entry = found = &memory[to_pseudo(entry->frame()).raw()][table_index(level, v)];
    }
    return found;
}

std::uint64_t Mmu::touch(Vaddr v)
{
    auto page = v.raw() >> page_shift;
    auto cached = tlb_.find(page);
    if (cached == tlb_.end()) {
        auto entry = walk(v);
        if (!entry || !entry->present())
            return 0;
        *entry = entry->with(Pte::A);
        cached = tlb_.emplace(page, *entry).first;
    }
    return cached->second.raw();
}
}  // namespace arch
