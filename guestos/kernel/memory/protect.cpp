// SPDX-License-Identifier: MIT
// What changes regions in place: mprotect, madvise, mlock, msync.
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>

namespace kernel {
namespace {
struct Reprotect {
    arch::PageTables &tables;
    Region const &region;
    static void page(void *context, Vaddr a, arch::Mapping const &m)
    {
        auto &self = *static_cast<Reprotect *>(context);
        bool was_writable = (m.protection & arch::prot_write) != 0;
        self.tables.protect(a, page_protection(self.region, m.frame, was_writable));
    }
};

constexpr std::uint16_t with(std::uint16_t flags, std::uint16_t bit, bool on)
{
    return static_cast<std::uint16_t>(on ? flags | bit : flags & ~bit);
}

struct FlagChange {
    std::uint16_t bit;
    bool on;
};

bool flag_advice(int advice, FlagChange &change)
{
    switch (advice) {
    case madv_dontfork: change = {Region::dont_fork, true}; return true;
    case madv_dofork: change = {Region::dont_fork, false}; return true;
    case madv_dontdump: change = {Region::dont_dump, true}; return true;
    case madv_dodump: change = {Region::dont_dump, false}; return true;
    case madv_wipeonfork: change = {Region::wipe_on_fork, true}; return true;
    case madv_keeponfork: change = {Region::wipe_on_fork, false}; return true;
    default: return false;
    }
}

bool known_advice(int advice)
{
    FlagChange unused;
    switch (advice) {
    case madv_normal:
    case madv_random:
    case madv_sequential:
    case madv_willneed:
    case madv_dontneed:
    case madv_free:
    case madv_remove:
    case madv_cold:
    case madv_pageout:
    case madv_populate_read:
    case madv_populate_write: return true;
    default: return flag_advice(advice, unused);
    }
}
}  // namespace

Result<> AddressSpace::protect_region(Region &r, std::uint8_t prot)
{
    if (prot == r.prot)
        return {};
    if (r.has(Region::device))
        return Error::acces;
    if ((prot & page_write) && r.has(Region::shared)) {
        if (!r.has(Region::may_write) || (r.object && !r.object->writable_shared()))
            return Error::acces;
    }
    bool was_data = is_private_writable(r);
    bool is_data = !r.has(Region::shared) && (prot & page_write);
    if (is_data && !was_data) {
        auto limit = memory_limit(rlimit_data);
        auto pages = std::uint64_t{data_pages_} + r.pages();
        if (limit != ~0u && pages << page_shift > limit)
            return Error::nomem;
        data_pages_ += r.pages();
    }
    if (was_data && !is_data)
        data_pages_ -= r.pages();
    r.prot = prot;
    Reprotect walk{tables_, r};
    tables_.for_each(r.start, r.end, Reprotect::page, &walk);
    return {};
}

Result<> AddressSpace::protect(Vaddr start, std::uint32_t bytes, std::uint32_t prot)
{
    if (prot & ~(prot_mask | prot_growsdown | prot_growsup) || prot & prot_growsup)
        return Error::inval;
    auto end = TRY(range_end(start, bytes));
    if (bytes == 0)
        return {};
    if (prot & prot_growsdown) {  // from the lowest page of the stack on
        auto r = regions_.find(start);
        if (!r)
            return Error::nomem;
        if (!r->has(Region::grows_down))
            return Error::inval;
        start = r->start;
    }
    TRY(split_around(regions_, start, end));
    auto hardware = static_cast<std::uint8_t>(prot & prot_mask);
    auto result = for_range(regions_, start, end, Holes::stop,
                            [&](Region &r, Vaddr, Vaddr) { return protect_region(r, hardware); });
    merge_around(regions_, start, end);
    auto committed = tables_.commit();
    return result.ok() ? committed : result;
}

Result<> AddressSpace::advise_region(Region &r, Vaddr from, Vaddr to, int advice)
{
    bool anonymous = !r.object && !r.has(Region::shared);
    bool fixed = r.has(Region::device) || (r.object && r.object->is_resident());
    switch (advice) {
    case madv_dofork: return fixed ? Result<>{Error::inval} : Result<>{};
    case madv_free:
        if (!anonymous)
            return Error::inval;
        [[fallthrough]];
    case madv_dontneed:
        if (r.has(Region::locked) || fixed)
            return Error::inval;
        drop_pages(from, to);
        return {};
    case madv_remove:
        if (r.has(Region::locked) || !r.object)
            return Error::inval;
        if (!r.has(Region::shared) || !r.has(Region::may_write))
            return Error::acces;
        return r.object->punch_pages(r.index_at(from), r.index_at(to));
    case madv_wipeonfork: return anonymous ? Result<>{} : Error::inval;
    case madv_populate_read:
    case madv_populate_write:
        for (auto a = from; a < to; a += page_size)
            TRY(fault(a, advice == madv_populate_write, false));
        return {};
    default: return {};
    }
}

Result<> AddressSpace::advise(Vaddr start, std::uint32_t bytes, int advice)
{
    if (!known_advice(advice))
        return Error::inval;
    auto end = range_end(start, bytes);
    if (!end.ok())
        return Error::inval;
    if (bytes == 0)
        return {};
    FlagChange change;
    bool flag = flag_advice(advice, change);
    if (flag)
        TRY(split_around(regions_, start, end.value()));
    auto result = for_range(regions_, start, end.value(), Holes::skip, [&](Region &r, Vaddr from, Vaddr to) {
        auto done = advise_region(r, from, to, advice);
        if (flag && done.ok())
            r.flags = with(r.flags, change.bit, change.on);
        return done;
    });
    if (flag)
        merge_around(regions_, start, end.value());
    return result;
}

Result<> AddressSpace::lock(Vaddr start, std::uint32_t bytes, bool on, bool fill)
{
    auto offset = page_offset(start);
    auto end = range_end(page_floor(start), bytes + offset);
    if (!end.ok() || bytes + offset < bytes)
        return Error::nomem;
    start = page_floor(start);
    if (start == end.value())
        return {};
    TRY(split_around(regions_, start, end.value()));
    auto result = for_range(regions_, start, end.value(), Holes::stop, [&](Region &r, Vaddr, Vaddr) {
        r.flags = with(r.flags, Region::locked, on);
        return Result<>{};
    });
    merge_around(regions_, start, end.value());
    if (result.ok() && on && fill)
        return populate(start, end.value());
    return result;
}

Result<> AddressSpace::lock_all(bool existing, bool future, bool fill)
{
    lock_future_ = future;
    if (!existing && future)
        return {};
    for (auto r = regions_.first(); r; r = regions_.next(*r))
        r->flags = with(r->flags, Region::locked, existing);
    merge_around(regions_, Vaddr{}, arch::user_limit);
    if (existing && fill)
        (void)populate(Vaddr{}, arch::user_limit);
    return {};
}

Result<> AddressSpace::sync(Vaddr start, std::uint32_t bytes, int flags)
{
    if (flags & ~(ms_async | ms_invalidate | ms_sync) || (flags & (ms_async | ms_sync)) == (ms_async | ms_sync))
        return Error::inval;
    auto end = TRY(range_end(start, bytes));
    return for_range(regions_, start, end, Holes::skip, [&](Region &r, Vaddr from, Vaddr to) -> Result<> {
        if ((flags & ms_invalidate) && r.has(Region::locked))
            return Error::busy;
        if (!(flags & ms_sync) || !r.has(Region::shared) || !r.object)
            return {};
        // Blocks: `r` may be gone afterwards, the object not.
        Ref<MemoryObject> object = r.object;
        if (r.file) {  // msync(2) is fsync(2) of a range: errors are told once to the descriptor behind the mapping
            Ref<File> file = r.file;
            return file->sync(true);
        }
        return object->sync_pages(r.index_at(from), r.index_at(to));
    });
}
}  // namespace kernel
