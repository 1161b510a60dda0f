// SPDX-License-Identifier: MIT
// What the files of class AddressSpace share.
#pragma once
#include <kernel/memory/address_space.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/mman.hpp>

namespace kernel {
// PROT_* as page tables have it: whoever may write or execute may read.
inline std::uint8_t hardware_protection(std::uint32_t prot)
{
    if ((prot & prot_mask) == 0)
        return arch::prot_none;
    return static_cast<std::uint8_t>((prot & prot_mask) | arch::prot_read);
}

// The one frame of zeroes that stands for anonymous memory that was only read.
Pfn zero_frame();

// What a present page of `r` may be mapped with: without write permission as long as a write has something to do first, namely
// copy (private, and somebody else has the frame too) or tell the object.
inline std::uint8_t page_protection(Region const &r, Pfn frame, bool was_writable)
{
    auto p = hardware_protection(r.prot);
    if ((p & arch::prot_write) == 0)
        return p;
    bool read_only = r.has(Region::shared) ? r.object->tracks_dirty() && !was_writable : frame_refs(frame) != 1;
    return read_only ? static_cast<std::uint8_t>(p & ~arch::prot_write) : p;
}

inline Vaddr lower(Vaddr a, Vaddr b) { return a < b ? a : b; }
inline Vaddr higher(Vaddr a, Vaddr b) { return a < b ? b : a; }

enum class Holes { stop, skip };

// Calls each(region, from, to) for the part of every region inside [start, end); Error::nomem if not all of it is mapped, at once
// or at the end. `each` may not remove regions.
template <class F>
Result<> for_range(RegionTree &tree, Vaddr start, Vaddr end, Holes holes, F each)
{
    Result<> result{};
    while (start < end) {
        auto r = tree.first_from(start);
        if (!r || r->start > start) {
            result = Error::nomem;
            if (holes == Holes::stop || !r || r->start >= end)
                return result;
        }
        auto from = higher(start, r->start), to = lower(end, r->end);
        TRY(each(*r, from, to));
        start = to;
    }
    return result;
}

// Afterwards regions begin at `start` and at `end` (if anything is mapped there).
inline Result<> split_around(RegionTree &tree, Vaddr start, Vaddr end)
{
    TRY(tree.split(start));
    return tree.split(end);
}
inline void merge_around(RegionTree &tree, Vaddr start, Vaddr end)
{
    for (auto r = tree.first_from(start); r && r->start <= end;)
        r = tree.next(tree.merge(*r));
}

// Page-aligned end of [start, start + bytes). Error::inval: start is not aligned. Error::nomem: beyond user space.
inline Result<Vaddr> range_end(Vaddr start, std::uint32_t bytes)
{
    if (page_offset(start) != 0)
        return Error::inval;
    std::uint32_t rounded = pages_for(bytes) << page_shift;
    if (rounded < bytes || start > arch::user_limit || rounded > arch::user_limit - start)
        return Error::nomem;
    return start + rounded;
}
}  // namespace kernel
