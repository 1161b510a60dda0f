// SPDX-License-Identifier: MIT
// mremap(2): shrink, grow in place, or move a mapping with its pages.
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>

namespace kernel {
namespace {
struct Mover {
    arch::PageTables &tables;
    Region const &from;
    Vaddr old, to;
    Result<> result{};
    static void page(void *context, Vaddr a, arch::Mapping const &m)
    {
        auto &self = *static_cast<Mover *>(context);
        if (!self.result.ok())
            return;
        auto target = self.to + (a - self.old);
        // The protection before the frame has two entries: a page of our own stays writable.
        auto protection = page_protection(self.from, m.frame, (m.protection & arch::prot_write) != 0);
        self.result = self.tables.map(target, m.frame, protection);
        if (self.result.ok())
            ref_frame(m.frame);
    }
};

Result<> check_flags(Vaddr old, std::uint32_t old_bytes, std::uint32_t new_bytes, std::uint32_t flags, Vaddr fixed)
{
    if (flags & ~(mremap_maymove | mremap_fixed | mremap_dontunmap))
        return Error::inval;
    if ((flags & (mremap_fixed | mremap_dontunmap)) && !(flags & mremap_maymove))
        return Error::inval;
    if ((flags & mremap_dontunmap) && old_bytes != new_bytes)
        return Error::inval;
    if (page_offset(old) != 0 || new_bytes == 0)
        return Error::inval;
    if (!(flags & mremap_fixed))
        return {};
    if (page_offset(fixed) != 0 || !range_end(fixed, new_bytes).ok())
        return Error::inval;
    if (fixed < old + old_bytes && old < fixed + new_bytes)
        return Error::inval;
    return {};
}
}  // namespace

Result<> AddressSpace::move_pages(Region const &from, Vaddr old, Vaddr to, std::uint32_t bytes)
{
    Mover mover{tables_, from, old, to};
    tables_.for_each(old, old + bytes, Mover::page, &mover);
    drop_pages(mover.result.ok() ? old : to, (mover.result.ok() ? old : to) + bytes);
    return mover.result;
}

Result<> AddressSpace::grow_region(Region &r, std::uint32_t bytes)
{
    TRY(may_add(bytes, is_private_writable(r)));
    if (regions_.overlaps(r.end, r.end + bytes))
        return Error::nomem;
    r.end += bytes;
    total_pages_ += bytes >> page_shift;
    if (is_private_writable(r))
        data_pages_ += bytes >> page_shift;
    auto locked = r.has(Region::locked);
    auto end = r.end;
    merge_around(regions_, r.start, r.end);
    if (locked)
        (void)populate(end - bytes, end);
    return {};
}

Result<Vaddr> AddressSpace::move_region(Region &r, Vaddr old, std::uint32_t old_bytes, std::uint32_t new_bytes,
                                        std::uint32_t flags, Vaddr to)
{
    TRY(may_add(new_bytes, is_private_writable(r)));
    auto copy = TRY(r.clone(old, old + new_bytes));
    copy->start = to;
    copy->end = to + new_bytes;
    regions_.insert(*copy);
    total_pages_ += copy->pages();
    if (is_private_writable(*copy))
        data_pages_ += copy->pages();
    auto moved = old_bytes == 0 ? Result<>{} : move_pages(*copy, old, to, old_bytes < new_bytes ? old_bytes : new_bytes);
    if (!moved.ok()) {
        (void)clear_range(to, to + new_bytes);
        return moved.error();
    }
    bool locked = copy->has(Region::locked);
    regions_.merge(*copy);
    if (old_bytes != 0 && !(flags & mremap_dontunmap))
        TRY(clear_range(old, old + old_bytes));
    if (locked)
        (void)populate(to, to + new_bytes);
    return to;
}

Result<Vaddr> AddressSpace::remap(Vaddr old, std::uint32_t old_length, std::uint32_t new_length, std::uint32_t flags,
                                  Vaddr fixed)
{
    auto old_bytes = pages_for(old_length) << page_shift, new_bytes = pages_for(new_length) << page_shift;
    TRY(check_flags(old, old_bytes, new_bytes, flags, fixed));
    auto r = regions_.find(old);
    if (!r)
        return Error::fault;
    if (r->has(Region::device) || (r->object && r->object->is_resident()))
        return Error::inval;
    // Length 0 asks for a second view of shared memory.
    if (old_bytes == 0 && !r->has(Region::shared))
        return Error::inval;
    if (old_bytes > r->end - old)
        return Error::fault;
    if ((flags & mremap_dontunmap) && (r->object || r->has(Region::shared)))
        return Error::inval;
    if (!(flags & (mremap_fixed | mremap_dontunmap)) && old_bytes != 0) {
        if (new_bytes <= old_bytes) {
            if (new_bytes < old_bytes)
                TRY(clear_range(old + new_bytes, old + old_bytes));
            return old;
        }
        auto room = range_end(old, new_bytes);
        if (r->end == old + old_bytes && room.ok() && grow_region(*r, new_bytes - old_bytes).ok())
            return old;
    }
    if (!(flags & mremap_maymove))
        return Error::nomem;
    MapRequest where{.address = fixed,
                     .bytes = new_bytes,
                     .prot = 0,
                     .flags = flags & mremap_fixed ? std::uint32_t{map_fixed} : 0,
                     .file = {},
                     .offset = 0};
    auto to = TRY(choose_address(where, new_bytes));
    if (flags & mremap_fixed) {
        TRY(clear_range(to, to + new_bytes));
        r = regions_.find(old);  // the target may have been a part of it
    }
    return move_region(*r, old, old_bytes, new_bytes, flags, to);
}
}  // namespace kernel
