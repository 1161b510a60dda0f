// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/reclaim.hpp>

namespace kernel {
namespace {
constinit FrameList unmapped_list, mapped_list;  // the oldest at the back
constinit std::uint32_t unmapped_count = 0, mapped_count = 0;
constinit unsigned reclaim_forbidden = 0;
constinit std::uint32_t looked_at = 0;
constinit ReclaimCounts counts{};

// So many pages of files stay while they are in use.
std::uint32_t least_in_use() { return std::max<std::uint32_t>(frame_counts().total / 32, 64); }
}  // namespace

PageReclaim::Forbidden::Forbidden() { ++reclaim_forbidden; }
PageReclaim::Forbidden::~Forbidden() { --reclaim_forbidden; }

void PageReclaim::added(Pfn frame)
{
    unmapped_list.push_front(frame);
    ++unmapped_count;
}

void PageReclaim::removed(Pfn frame)
{
    bool const mapped = (PageCache::flags_of(frame) & PageCache::on_mapped_list) != 0;
    (mapped ? mapped_list : unmapped_list).remove(frame);
    --(mapped ? mapped_count : unmapped_count);
}

void PageReclaim::to_mapped(Pfn frame)
{
    removed(frame);
    PageCache::set_flags(frame, PageCache::on_mapped_list);
    mapped_list.push_front(frame);
    ++mapped_count;
}

void PageReclaim::to_unmapped(Pfn frame, bool oldest)
{
    removed(frame);
    PageCache::clear_flags(frame, PageCache::on_mapped_list);
    oldest ? unmapped_list.push_back(frame) : unmapped_list.push_front(frame);
    ++unmapped_count;
}

std::uint32_t reclaimable_frame_count() { return unmapped_count + mapped_count; }

// Twice round at most: the first time a page that was used again only loses the sign of it.
std::uint32_t PageReclaim::take_unmapped(std::uint32_t wanted)
{
    std::uint32_t freed = 0;
    for (auto left = unmapped_count * 2; left != 0 && freed < wanted && unmapped_count != 0; --left, ++looked_at) {
        auto const frame = unmapped_list.back();
        auto const flags = PageCache::flags_of(frame);
        auto const &info = frame_info(frame);
        if (flags & (PageCache::busy | PageCache::dirty | PageCache::writing | PageCache::referenced)) {
            PageCache::clear_flags(frame, PageCache::referenced);
            to_unmapped(frame, false);
        } else if (info.refs != 1) {
            to_mapped(frame);
        } else {
            static_cast<PageCache *>(info.owner)->drop(info.index);
            ++freed;
        }
    }
    return freed;
}

// Of the mapped list: what no process has mapped any more, most often because it has ended.
std::uint32_t PageReclaim::take_left_behind(std::uint32_t wanted)
{
    std::uint32_t freed = 0;
    for (auto left = mapped_count; left != 0 && freed < wanted; --left, ++looked_at) {
        auto const frame = mapped_list.back();
        auto const &info = frame_info(frame);
        if (info.refs != 1) {
            to_mapped(frame);
        } else if (PageCache::flags_of(frame) & (PageCache::busy | PageCache::dirty | PageCache::writing)) {
            to_unmapped(frame, false);
        } else {
            static_cast<PageCache *>(info.owner)->drop(info.index);
            ++freed;
        }
    }
    return freed;
}

std::uint32_t reclaim_frames(std::uint32_t wanted)
{
    if (reclaim_forbidden != 0)
        return 0;
    looked_at = 0;
    auto freed = PageReclaim::take_unmapped(wanted);
    if (freed == 0)
        freed = PageReclaim::take_left_behind(wanted);
    counts.looked_at_directly += looked_at;
    counts.freed_directly += freed;
    return freed;
}

// True: nobody has it mapped now, and it is clean.
bool PageReclaim::unmap_one(Pfn frame, bool used_too)
{
    constexpr auto in_use = PageCache::busy | PageCache::dirty | PageCache::writing;
    auto const &info = frame_info(frame);
    if (info.refs != 1) {
        auto &cache = *static_cast<PageCache *>(info.owner);
        auto const use = cache.take_use(info.index);
        if (use == MemoryObject::Use::locked || (use == MemoryObject::Use::used && !used_too))
            return false;
        if (PageCache::flags_of(frame) & in_use)
            return false;  // write-back makes it clean
        cache.unmap_everywhere(info.index, info.index + 1, false);
    }
    return info.refs == 1 && !(PageCache::flags_of(frame) & in_use);
}

std::uint32_t PageReclaim::unmap(std::uint32_t wanted, bool used_too)
{
    std::uint32_t unmapped = 0;
    for (auto left = mapped_count; left != 0 && unmapped < wanted; --left, ++looked_at) {
        auto const frame = mapped_list.back();
        if (used_too && reclaimable_frame_count() - unmapped <= least_in_use())
            break;
        if (unmap_one(frame, used_too)) {
            PageCache::clear_flags(frame, PageCache::referenced);
            to_unmapped(frame, true);
            ++unmapped;
        } else if (frame_refs(frame) == 1) {
            to_unmapped(frame, false);
        } else {
            to_mapped(frame);
        }
    }
    return unmapped;
}

std::uint32_t reclaim_pass(std::uint32_t wanted)
{
    auto const before = counts;
    auto freed = reclaim_frames(wanted);
    for (bool used_too : {false, true}) {
        looked_at = 0;
        if (freed < wanted && PageReclaim::unmap(wanted - freed, used_too) != 0)
            freed += reclaim_frames(wanted - freed);
        counts.looked_at_by_passes += looked_at;
    }
    ++counts.passes;
    counts.freed_by_passes += freed;
    counts.looked_at_by_passes += counts.looked_at_directly - before.looked_at_directly;
    counts.looked_at_directly = before.looked_at_directly;
    counts.freed_directly = before.freed_directly;
    return freed;
}

ReclaimCounts reclaim_counts() { return counts; }
}  // namespace kernel
