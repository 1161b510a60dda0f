// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/memory/address_space_detail.hpp>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/reclaim.hpp>

namespace kernel {
namespace {
constinit FrameList least_recently_used;  // reclaimable pages of all caches, the oldest at the back
constinit std::uint32_t reclaimable_frames = 0;
constinit unsigned reclaim_forbidden = 0;

// A tree that is being changed must not lose nodes to a reclaim that the change itself caused.
struct NoReclaim {
    NoReclaim() { ++reclaim_forbidden; }
    ~NoReclaim() { --reclaim_forbidden; }
};

constexpr std::uint32_t page_of(std::uint64_t position) { return static_cast<std::uint32_t>(position >> page_shift); }
constexpr std::uint32_t offset_in(std::uint64_t position) { return static_cast<std::uint32_t>(position) & ~page_mask; }
std::uint32_t pages_of(std::uint64_t bytes)
{
    auto pages = (bytes + page_size - 1) >> page_shift;
    return pages > ~0u ? ~0u : static_cast<std::uint32_t>(pages);
}
}  // namespace

PageCache::~PageCache()
{
    std::uint32_t index = 0;
    while (pages_.next(index) != no_pfn)
        drop(index);
}

Result<> PageCache::fill(std::uint32_t, Pfn frame)
{
    std::memset(frame_address(frame), 0, page_size);
    return {};
}

// Takes over the caller's reference when it succeeds.
Result<> PageCache::insert(std::uint32_t index, Pfn frame)
{
    TRY(charge());
    {
        NoReclaim guard;
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
    info.flags = 0;
    if (!backed())
        return {};
    info.flags = reclaimable;
    least_recently_used.push_front(frame);
    ++reclaimable_frames;
    return {};
}

void PageCache::drop(std::uint32_t index)
{
    auto frame = pages_.erase(index);
    if (frame == no_pfn)
        return;
    auto &info = frame_info(frame);
    if (info.flags & reclaimable) {
        least_recently_used.remove(frame);
        --reclaimable_frames;
    }
    info.owner = nullptr;
    info.flags = 0;
    --resident_;
    uncharge();
    unref_frame(frame);
}

Result<Pfn> PageCache::get(std::uint32_t index)
{
    for (;;) {
        auto frame = pages_.find(index);
        if (frame == no_pfn)
            break;
        auto &info = frame_info(frame);
        info.flags = static_cast<std::uint16_t>((info.flags & ~unwritten) | referenced);
        ref_frame(frame);
        if (!(info.flags & busy))
            return frame;
        auto waited = wait_until(
            filled_, [&] { return !(info.flags & busy); }, Sleep::killable);
        unref_frame(frame);
        if (!waited.ok())
            return waited.error();
    }
    auto frame = TRY(allocate_user_frame(false));
    auto inserted = insert(index, frame);
    if (!inserted.ok()) {
        unref_frame(frame);
        return inserted.error();
    }
    ref_frame(frame);
    auto &info = frame_info(frame);
    info.flags |= busy;
    auto filled = fill(index, frame);
    info.flags = static_cast<std::uint16_t>(info.flags & ~busy);
    filled_.wake_all();
    if (filled.ok())
        return frame;
    if (pages_.find(index) == frame)
        drop(index);
    unref_frame(frame);
    return filled.error();
}

Result<Pfn> PageCache::page(std::uint32_t index, bool)
{
    if (index >= pages_of(size()))
        return Error::nxio;
    return get(index);
}

Result<> PageCache::allocate(std::uint32_t index)
{
    bool const fresh = pages_.find(index) == no_pfn;
    auto frame = TRY(get(index));
    if (fresh)  // the second time it counts as data, as on Linux
        frame_info(frame).flags |= unwritten;
    unref_frame(frame);
    return {};
}

bool PageCache::is_hole(std::uint32_t index) const
{
    auto frame = pages_.find(index);
    return frame == no_pfn || (frame_info(frame).flags & unwritten) != 0;
}

bool PageCache::next_data(std::uint32_t &index) const
{
    for (auto frame = pages_.next(index); frame != no_pfn; frame = pages_.next(++index))
        if (!(frame_info(frame).flags & unwritten))
            return true;
    return false;
}

Pfn PageCache::resident_page(std::uint32_t index)
{
    if (index >= pages_of(size()))
        return no_pfn;
    auto frame = pages_.find(index);
    return frame != no_pfn && !(frame_info(frame).flags & busy) ? frame : no_pfn;
}

void PageCache::resident_pages(std::uint32_t index, unsigned n, Pfn *out)
{
    pages_.find_run(index, n, out);
    auto end = pages_of(size());
    for (unsigned i = 0; i < n; ++i)
        if (index + i >= end || (out[i] != no_pfn && (frame_info(out[i]).flags & busy)))
            out[i] = no_pfn;
}

void PageCache::page_dirtied(std::uint32_t index)
{
    auto frame = pages_.find(index);
    if (frame != no_pfn && backed())
        frame_info(frame).flags |= dirty;
}

Result<std::size_t> PageCache::read(IoBuffer &buffer, std::uint64_t position, std::uint64_t size)
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
            auto frame = get(page_of(position));
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

// A page that is written as a whole need not be filled first. The copy may block and somebody else make the page meanwhile.
Result<Pfn> PageCache::overwrite(std::uint32_t index, IoBuffer &buffer, std::size_t &copied)
{
    auto frame = TRY(allocate_user_frame(false));
    auto to = static_cast<char *>(frame_address(frame));
    auto moved = buffer.get(to, page_size);
    copied = moved.ok() ? moved.value() : 0;
    Result<> result = moved.ok() ? Result<>{} : Result<>{moved.error()};
    auto other = pages_.find(index);
    if (result.ok() && other == no_pfn) {
        std::memset(to + copied, 0, page_size - copied);
        result = insert(index, frame);
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
    while (buffer.left() != 0 && position < end_limit) {
        auto offset = offset_in(position);
        auto index = page_of(position);
        auto n = static_cast<std::size_t>(std::min<std::uint64_t>(end_limit - position, page_size - offset));
        n = std::min(n, buffer.left());
        std::size_t copied = 0;
        bool whole = n == page_size && !backed() && pages_.find(index) == no_pfn;
        auto frame = whole ? overwrite(index, buffer, copied) : get(index);
        if (!frame.ok())
            return done ? Result<std::size_t>{done} : Result<std::size_t>{frame.error()};
        if (!whole) {
            auto moved = buffer.get(static_cast<char *>(frame_address(frame.value())) + offset, n);
            copied = moved.value_or(0);
        }
        page_dirtied(index);
        unref_frame(frame.value());
        if (copied == 0)
            return done ? Result<std::size_t>{done} : Error::fault;
        done += copied;
        position += copied;
        if (copied < n)
            break;
    }
    return done;
}

void PageCache::clear_bytes(std::uint32_t index, std::uint32_t from, std::uint32_t to)
{
    auto frame = pages_.find(index);
    if (frame == no_pfn || from >= to)
        return;
    std::memset(static_cast<char *>(frame_address(frame)) + from, 0, to - from);
    page_dirtied(index);
}

void PageCache::truncate(std::uint64_t size)
{
    auto first = pages_of(size);
    unmap_everywhere(first, ~0u, true);
    for (auto index = first; pages_.next(index) != no_pfn; ++index) {
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

Result<> PageCache::sync_pages(std::uint32_t first, std::uint32_t last)
{
    Result<> result{};
    for (auto index = first; index < last; ++index) {
        auto frame = pages_.next(index);
        if (frame == no_pfn || index >= last)
            break;
        auto &info = frame_info(frame);
        if (!(info.flags & dirty))
            continue;
        info.flags = static_cast<std::uint16_t>(info.flags & ~dirty);
        protect_mappings(index);
        ref_frame(frame);
        auto written = write_back(index, frame);
        if (!written.ok()) {
            result = written;
            page_dirtied(index);
        }
        unref_frame(frame);
    }
    return result;
}

std::uint32_t reclaim_frames(std::uint32_t wanted)
{
    if (reclaim_forbidden != 0)
        return 0;
    std::uint32_t freed = 0;
    for (auto left = reclaimable_frames * 2; left != 0 && freed < wanted && !least_recently_used.empty(); --left) {
        auto frame = least_recently_used.back();
        auto &info = frame_info(frame);
        bool in_use = info.refs != 1 || (info.flags & (PageCache::busy | PageCache::dirty | PageCache::referenced));
        if (!in_use) {
            static_cast<PageCache *>(info.owner)->drop(info.index);
            ++freed;
            continue;
        }
        info.flags = static_cast<std::uint16_t>(info.flags & ~PageCache::referenced);
        least_recently_used.remove(frame);
        least_recently_used.push_front(frame);
    }
    return freed;
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
