// SPDX-License-Identifier: MIT
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/region.hpp>

namespace kernel {
namespace {
struct StartsBefore {
    bool operator()(Region const &r, Vaddr a) const { return r.start < a; }
    bool operator()(Vaddr a, Region const &r) const { return a < r.start; }
};
}  // namespace

Region::Region() = default;
Region::~Region() = default;

Result<Region *> Region::clone(Vaddr at, Vaddr to) const
{
    auto copy = new (std::nothrow) Region;
    if (!copy)
        return Error::nomem;
    copy->start = at;
    copy->end = to;
    copy->prot = prot;
    copy->flags = flags;
    copy->space = space;
    copy->object = object;
    copy->file = file;
    copy->first_index = first_index + ((at - start) >> page_shift);
    return copy;
}

bool Region::continues_with(Region const &next) const
{
    constexpr std::uint16_t ignored = private_pages;
    return end == next.start && prot == next.prot && (flags & ~ignored) == (next.flags & ~ignored)
        && object == next.object && file == next.file && (!object || first_index + pages() == next.first_index);
}

Region *RegionTree::first() const { return set_.empty() ? nullptr : const_cast<Region *>(&*set_.begin()); }

Region *RegionTree::first_from(Vaddr a) const
{
    auto it = set_.upper_bound(a, StartsBefore{});  // the first that starts above a
    if (it != set_.begin()) {
        auto before = it;
        --before;
        if (before->end > a)
            return const_cast<Region *>(&*before);
    }
    return it == set_.end() ? nullptr : const_cast<Region *>(&*it);
}

Region *RegionTree::find(Vaddr a) const
{
    auto r = first_from(a);
    return r && r->start <= a ? r : nullptr;
}

Region *RegionTree::next(Region const &r) const
{
    auto it = set_.iterator_to(r);
    return ++it == set_.end() ? nullptr : const_cast<Region *>(&*it);
}

Region *RegionTree::previous(Region const &r) const
{
    auto it = set_.iterator_to(r);
    return it == set_.begin() ? nullptr : const_cast<Region *>(&*--it);
}

bool RegionTree::overlaps(Vaddr start, Vaddr end) const
{
    auto r = first_from(start);
    return r && r->start < end;
}

// From the top down over the regions: programs have tens of them, hundreds at most, and the gap is usually the first.
Result<Vaddr> RegionTree::find_gap(std::uint32_t bytes, Vaddr bottom, Vaddr top) const
{
    auto above = first_from(top);
    Vaddr limit = above && above->start < top ? above->start : top;
    auto it = above ? set_.iterator_to(*above) : set_.end();
    for (;;) {
        Vaddr floor = bottom;
        bool more = it != set_.begin();
        if (more)
            --it;
        if (more && it->end > floor)
            floor = it->end;
        if (limit >= floor && limit - floor >= bytes)
            return limit - bytes;
        if (!more || it->start <= bottom)
            break;
        limit = it->start;
    }
    Vaddr from = top;
    for (auto r = first_from(top); r; r = next(*r)) {
        if (r->start > from && r->start - from >= bytes)
            return from;
        from = r->end;
    }
    if (arch::user_limit >= from && arch::user_limit - from >= bytes)
        return from;
    return Error::nomem;
}

void RegionTree::insert(Region &r)
{
    ASSERT(r.start < r.end && !overlaps(r.start, r.end));
    set_.insert(r);
    if (r.object) {
        r.object->mappers().push_back(r);
        r.object->mapping_added();
    }
    ++count_;
    ++generation_;
}

void RegionTree::remove(Region &r)
{
    set_.erase(set_.iterator_to(r));
    static_cast<MapperHook &>(r).unlink();
    if (r.object)
        r.object->mapping_removed();
    --count_;
    ++generation_;
}

Result<> RegionTree::split(Vaddr at)
{
    auto r = find(at);
    if (!r || r->start == at)
        return {};
    auto upper = TRY(r->clone(at, r->end));
    r->end = at;
    insert(*upper);
    return {};
}

void RegionTree::absorb(Region &into, Region &next)
{
    into.end = next.end;
    into.flags = static_cast<std::uint16_t>(into.flags | (next.flags & Region::private_pages));
    remove(next);
    delete &next;
}

Region &RegionTree::merge(Region &r)
{
    auto result = &r;
    if (auto before = previous(r); before && before->continues_with(r)) {
        absorb(*before, r);
        result = before;
    }
    if (auto after = next(*result); after && result->continues_with(*after))
        absorb(*result, *after);
    return *result;
}

void RegionTree::clear()
{
    while (auto r = first()) {
        remove(*r);
        delete r;
    }
}
}  // namespace kernel
