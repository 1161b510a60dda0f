// SPDX-License-Identifier: MIT
// Pages come, are used, and go. Reading from and writing to a disk is page_io.cpp.
#include <algorithm>
#include <kernel/memory/address_space_detail.hpp>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/reclaim.hpp>
#include <kernel/memory/write_back.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t page_of(std::uint64_t position) { return static_cast<std::uint32_t>(position >> page_shift); }
constexpr std::uint32_t offset_in(std::uint64_t position) { return static_cast<std::uint32_t>(position) & ~page_mask; }
std::uint32_t pages_of(std::uint64_t bytes)
{
    auto pages = (bytes + page_size - 1) >> page_shift;
    return pages > ~0u ? ~0u : static_cast<std::uint32_t>(pages);
}

// A frame for a page of a file. Whoever can wait for memory does, rather than fail.
Result<Pfn> allocate_cache_frame()
{
    for (;;) {
        auto frame = serves_write_back() ? allocate_frame() : allocate_user_frame(false);
        if (frame.ok() || !wait_for_memory())
            return frame;
    }
}
}  // namespace

PageCache::~PageCache()
{
    ASSERT(idle());
    std::uint32_t index = 0;
    while (pages_.next(index) != no_pfn)
        drop(index);
}

std::uint16_t PageCache::flags_of(Pfn f) { return __atomic_load_n(&frame_info(f).flags, __ATOMIC_RELAXED); }
void PageCache::set_flags(Pfn f, unsigned bits)
{
    __atomic_fetch_or(&frame_info(f).flags, static_cast<std::uint16_t>(bits), __ATOMIC_RELAXED);
}
void PageCache::clear_flags(Pfn f, unsigned bits)
{
    __atomic_fetch_and(&frame_info(f).flags, static_cast<std::uint16_t>(~bits), __ATOMIC_RELAXED);
}

// Takes over the caller's reference when it succeeds.
Result<> PageCache::insert(std::uint32_t index, Pfn frame, std::uint16_t flags)
{
    TRY(charge());
    {
        PageReclaim::Forbidden guard;
        if (auto inserted = pages_.insert(index, frame); !inserted.ok()) {
            uncharge();
            return inserted.error();
        }
    }
    ++resident_;
    set_frame_use(frame, FrameUse::cache);
    auto &info = frame_info(frame);
    info.owner = this;
    info.index = index;
    info.order = 0;
    info.flags = flags;
    if (!backed())
        return {};
    info.flags |= reclaimable;
    PageReclaim::added(frame);
    return {};
}

void PageCache::drop(std::uint32_t index)
{
    auto found = pages_.find(index);
    if (found == no_pfn)
        return;
    unmark_dirty(index, found);
    auto frame = pages_.erase(index);
    auto &info = frame_info(frame);
    ASSERT((info.flags & (busy | writing)) == 0);
    if (info.flags & reclaimable)
        PageReclaim::removed(frame);
    info.owner = nullptr;
    info.flags = 0;
    --resident_;
    uncharge();
    unref_frame(frame);
}

// Waits until a page that is being read has been; takes over and gives back a reference. no_pfn: it went meanwhile.
Result<Pfn> PageCache::ready(std::uint32_t index, Pfn frame)
{
    auto &info = frame_info(frame);
    auto waited = wait_until(
        changed_, [&] { return !(flags_of(frame) & busy); }, Sleep::killable);
    bool const here = info.owner == this && info.index == index;
    if (waited.ok() && here && !(info.flags & failed))
        return frame;
    if (waited.ok() && here && info.refs == 2)
        drop(index);  // the next one to want it tries again
    unref_frame(frame);
    if (!waited.ok())
        return waited.error();
    return here ? Result<Pfn>{Error::io} : Result<Pfn>{no_pfn};
}

Result<Pfn> PageCache::fresh(std::uint32_t index)
{
    auto frame = TRY(allocate_cache_frame());
    if (pages_.find(index) != no_pfn) {  // somebody was faster
        unref_frame(frame);
        return no_pfn;
    }
    std::memset(frame_address(frame), 0, page_size);
    auto inserted = insert(index, frame, 0);
    if (!inserted.ok()) {
        unref_frame(frame);
        return inserted.error();
    }
    ref_frame(frame);
    return frame;
}

Result<Pfn> PageCache::get(std::uint32_t index, ReadAhead *ahead, std::uint32_t wanted)
{
    for (bool tried = false;;) {
        auto frame = pages_.find(index);
        if (frame == no_pfn && !backed()) {
            frame = TRY(fresh(index));
            if (frame != no_pfn)
                return frame;
            continue;
        }
        if (frame != no_pfn && !tried && (flags_of(frame) & (busy | failed)) == failed && frame_refs(frame) == 1) {
            drop(index);  // read ahead without success; now it is wanted
            frame = no_pfn;
        }
        if (frame != no_pfn)
            ref_frame(frame);  // what is allocated from now on must not take it away
        if (ahead && (frame == no_pfn || index == ahead->mark))
            plan_read_ahead(*ahead, index, wanted);
        if (frame == no_pfn) {
            TRY(start_reading(index, 1));
            tried = true;
            continue;
        }
        clear_flags(frame, unwritten);
        set_flags(frame, referenced);
        frame = TRY(ready(index, frame));
        if (frame != no_pfn)
            return frame;
    }
}

// A page of which [from, to) will be written. What the write covers, and what lies beyond the end, need not be read.
Result<Pfn> PageCache::get_for_write(std::uint32_t index, std::uint32_t from, std::uint32_t to)
{
    for (;;) {
        bool const covered = (from == 0 && to == page_size) || std::uint64_t{index} << page_shift >= size();
        auto frame = covered && pages_.find(index) == no_pfn ? TRY(fresh(index)) : TRY(get(index));
        if (frame == no_pfn)
            continue;
        auto prepared = prepare(index, from, to, false);
        if (prepared.ok())
            return frame;
        unref_frame(frame);
        if (prepared.error() != Error::nomem || !wait_for_memory())
            return prepared.error();
    }
}

Result<Pfn> PageCache::page(std::uint32_t index, bool for_write)
{
    for (;;) {
        if (index >= pages_of(size()))
            return Error::nxio;
        if (backed() && pages_.find(index) == no_pfn) {
            constexpr std::uint32_t around = 16;
            read_ahead(index & ~(around - 1), around);
        }
        auto frame = TRY(get(index));
        if (!for_write || !backed())
            return frame;
        auto prepared = prepare(index, 0, page_size, true);
        auto const &info = frame_info(frame);
        if (prepared.ok() && info.owner == this && info.index == index)
            return frame;
        unref_frame(frame);
        if (!prepared.ok())
            return prepared.error();
    }
}

void PageCache::page_dirtied(std::uint32_t index)
{
    auto frame = pages_.find(index);
    if (frame != no_pfn && backed())
        mark_dirty(index, frame);
}

Result<std::size_t> PageCache::read(IoBuffer &buffer, std::uint64_t position, std::uint64_t size, ReadAhead *ahead)
{
    std::size_t done = 0;
    while (buffer.left() != 0 && position < size) {
        auto offset = offset_in(position);
        auto n = static_cast<std::size_t>(std::min<std::uint64_t>(size - position, page_size - offset));
        n = std::min(n, buffer.left());
        Result<std::size_t> moved = std::size_t{0};
        if (!backed() && is_hole(page_of(position))) {
            moved = buffer.zero(n);  // and stays a hole
        } else {
            auto wanted = pages_of(std::min<std::uint64_t>(buffer.left() + offset, size - position + offset));
            auto frame = get(page_of(position), ahead, wanted);
            if (!frame.ok())
                return done ? Result<std::size_t>{done} : Result<std::size_t>{frame.error()};
            moved = buffer.put(static_cast<char *>(frame_address(frame.value())) + offset, n);
            unref_frame(frame.value());
        }
        if (!moved.ok())
            return done ? Result<std::size_t>{done} : moved;
        done += moved.value();
        position += moved.value();
        if (moved.value() < n)
            break;
    }
    return done;
}

// tmpfs: a page that is written as a whole need not be cleared first. The copy may block and somebody else make the page meanwhile.
Result<Pfn> PageCache::overwrite(std::uint32_t index, IoBuffer &buffer, std::size_t &copied)
{
    auto frame = TRY(allocate_cache_frame());
    auto to = static_cast<char *>(frame_address(frame));
    auto moved = buffer.get(to, page_size);
    copied = moved.ok() ? moved.value() : 0;
    Result<> result = moved.ok() ? Result<>{} : Result<>{moved.error()};
    auto other = pages_.find(index);
    if (result.ok() && other == no_pfn) {
        std::memset(to + copied, 0, page_size - copied);
        result = insert(index, frame, 0);
        if (result.ok()) {
            ref_frame(frame);
            return frame;
        }
    } else if (result.ok()) {
        std::memcpy(frame_address(other), to, copied);
        ref_frame(other);
    }
    unref_frame(frame);
    if (!result.ok())
        return result.error();
    return other;
}

Result<std::size_t> PageCache::write(IoBuffer &buffer, std::uint64_t position, std::uint64_t end_limit)
{
    std::size_t done = 0;
    auto short_of = [&done](Error e) { return done ? Result<std::size_t>{done} : Result<std::size_t>{e}; };
    while (buffer.left() != 0 && position < end_limit) {
        auto offset = offset_in(position);
        auto index = page_of(position);
        auto n = static_cast<std::size_t>(std::min<std::uint64_t>(end_limit - position, page_size - offset));
        n = std::min(n, buffer.left());
        std::size_t copied = 0;
        bool whole = n == page_size && !backed() && pages_.find(index) == no_pfn;
        auto frame = whole ? overwrite(index, buffer, copied)
                           : get_for_write(index, offset, offset + static_cast<std::uint32_t>(n));
        if (!frame.ok())
            return short_of(frame.error());
        if (!whole) {
            auto moved = buffer.get(static_cast<char *>(frame_address(frame.value())) + offset, n);
            copied = moved.value_or(0);
        }
        page_dirtied(index);
        unref_frame(frame.value());
        if (copied == 0)
            return short_of(Error::fault);
        done += copied;
        position += copied;
        write_copied(position);
        if (copied < n)
            break;
        if (backed() && dirty_limit_exceeded())
            throttle_writer();
    }
    return done;
}

void PageCache::clear_bytes(std::uint32_t index, std::uint32_t from, std::uint32_t to)
{
    if (from >= to || !settle(index))
        return;
    std::memset(static_cast<char *>(frame_address(pages_.find(index))) + from, 0, to - from);
    page_dirtied(index);
}

void PageCache::zero_tail(std::uint64_t from)
{
    auto index = page_of(from);
    if (offset_in(from) != 0 && settle(index))
        std::memset(static_cast<char *>(frame_address(pages_.find(index))) + offset_in(from), 0,
                    page_size - offset_in(from));
}

void PageCache::truncate(std::uint64_t size)
{
    auto first = pages_of(size);
    unmap_everywhere(first, ~0u, true);
    for (auto index = first; pages_.next(index) != no_pfn; ++index) {
        if (settle(index))
            drop(index);
        if (index == ~0u)
            break;
    }
    if (offset_in(size) != 0)
        clear_bytes(page_of(size), offset_in(size), page_size);
}

Result<> PageCache::punch_pages(std::uint32_t first, std::uint32_t last)
{
    punch(std::uint64_t{first} << page_shift, std::uint64_t{last} << page_shift);
    return {};
}

void PageCache::punch(std::uint64_t start, std::uint64_t end)
{
    if (start >= end)
        return;
    auto first = pages_of(start), last = page_of(end);
    if (first > last)
        return clear_bytes(page_of(start), offset_in(start), offset_in(end));
    if (offset_in(start) != 0)
        clear_bytes(page_of(start), offset_in(start), page_size);
    if (offset_in(end) != 0)
        clear_bytes(last, 0, offset_in(end));
    unmap_everywhere(first, last, false);
    for (auto index = first; pages_.next(index) != no_pfn && index < last; ++index)
        if (settle(index))
            drop(index);
}

// Takes write permission away, so that the next write announces itself.
void PageCache::protect_mappings(std::uint32_t index)
{
    for (auto &hook : mappers()) {
        auto &r = static_cast<Region &>(hook);
        if (r.has(Region::shared) && index >= r.first_index && index - r.first_index < r.pages())
            r.space->write_protect(r.start + ((index - r.first_index) << page_shift));
    }
}

namespace {
class SharedMemory final : public PageCache {
public:
    SharedMemory(std::uint32_t pages, char const *name) : pages_{pages}, name_{name} { inode_ = ++last_inode; }
    std::uint64_t size() const override { return std::uint64_t{pages_} << page_shift; }
    std::uint64_t identity_device() const override { return 1; }
    std::uint64_t identity_inode() const override { return inode_; }
    char const *name() const override { return name_; }

private:
    static constinit std::uint32_t last_inode;
    std::uint32_t pages_, inode_;
    char const *name_;
};
constinit std::uint32_t SharedMemory::last_inode = 0;
}  // namespace

Result<Ref<MemoryObject>> make_shared_memory(std::uint32_t pages, char const *name)
{
    auto made = TRY(make_ref<SharedMemory>(pages, name));
    return Ref<MemoryObject>{std::move(made)};
}
}  // namespace kernel
