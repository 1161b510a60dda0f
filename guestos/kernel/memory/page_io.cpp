// SPDX-License-Identifier: MIT
// The page cache's side of reading and writing: which pages, how many at once, and what becomes of them afterwards.
#include <algorithm>
#include <arch/clock.hpp>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/write_back.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t read_ahead_first = 4, read_ahead_most = 64;  // pages

std::uint32_t pages_of(std::uint64_t bytes)
{
    auto pages = (bytes + page_size - 1) >> page_shift;
    return pages > ~0u ? ~0u : static_cast<std::uint32_t>(pages);
}
}  // namespace

void WriteErrors::add(Error e)
{
    arch::IrqGuard guard;
    error_ = e;
    told_ = false;
    ++sequence_;
}

Result<> WriteErrors::check(std::uint32_t &sampled)
{
    arch::IrqGuard guard;
    if (sampled == sequence_ || error_ == Error::none)
        return {};
    sampled = sequence_;
    told_ = true;
    return error_;
}

void PageCache::read_pages(std::uint32_t first, std::uint32_t count)
{
    for (std::uint32_t i = 0; i < count; ++i) {
        auto frame = pages_.find(first + i);
        std::memset(frame_address(frame), 0, page_size);
        page_read(frame, true);
    }
}

void PageCache::write_pages(std::uint32_t first, std::uint32_t count)
{
    for (std::uint32_t i = 0; i < count; ++i)
        page_written(pages_.find(first + i), Error::none);
}

// The page's flags change last: from then on it may go, and its cache with it as soon as somebody else runs.
void PageCache::page_read(Pfn frame, bool ok)
{
    arch::IrqGuard guard;
    auto &cache = *static_cast<PageCache *>(frame_info(frame).owner);
    --cache.under_way_;
    if (!ok)
        set_flags(frame, failed);
    clear_flags(frame, busy);
    cache.changed_.wake_all();
}

void PageCache::page_written(Pfn frame, Error error)
{
    arch::IrqGuard guard;
    auto &cache = *static_cast<PageCache *>(frame_info(frame).owner);
    --cache.under_way_;
    count_writing(-1);
    if (error != Error::none)
        cache.errors.add(error);
    clear_flags(frame, writing);
    cache.changed_.wake_all();
}

void PageCache::begin_transfers(Pfn frame) { __atomic_store_n(&frame_info(frame).order, 1, __ATOMIC_RELAXED); }

void PageCache::add_transfer(Pfn frame)
{
    __atomic_add_fetch(&frame_info(frame).order, std::uint8_t{1}, __ATOMIC_RELAXED);
}

void PageCache::end_transfer(Pfn frame, Error error, bool write)
{
    if (error != Error::none && write)
        static_cast<PageCache *>(frame_info(frame).owner)->errors.add(error);
    else if (error != Error::none)
        set_flags(frame, failed);
    if (__atomic_sub_fetch(&frame_info(frame).order, std::uint8_t{1}, __ATOMIC_RELAXED) != 0)
        return;
    if (write)
        page_written(frame, Error::none);
    else
        page_read(frame, !(flags_of(frame) & failed));
}

void PageCache::wait_idle()
{
    (void)wait_until(
        changed_, [this] { return under_way_ == 0; }, Sleep::uninterruptible);
}

bool PageCache::settle(std::uint32_t index)
{
    for (;;) {
        auto frame = pages_.find(index);
        if (frame == no_pfn)
            return false;
        if (!(flags_of(frame) & (busy | writing)))
            return true;
        ref_frame(frame);
        (void)wait_until(
            changed_, [&] { return !(flags_of(frame) & (busy | writing)); }, Sleep::uninterruptible);
        unref_frame(frame);
    }
}

// Reads what is not here of [first, first + count). An error only if nothing could be begun.
Result<> PageCache::start_reading(std::uint32_t first, std::uint32_t count)
{
    auto const end = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::uint64_t{first} + count, std::max(pages_of(size()), first + 1)));
    Result<> result{};
    for (auto index = first; index < end;) {
        auto run = index;
        for (; run < end && pages_.find(run) == no_pfn; ++run) {
            auto frame = run == first && serves_write_back() ? allocate_frame() : allocate_user_frame(false);
            result = frame.ok() ? insert(run, frame.value(), busy) : Result<>{frame.error()};
            if (!result.ok()) {
                if (frame.ok())
                    unref_frame(frame.value());
                break;
            }
            arch::IrqGuard guard;
            ++under_way_;
        }
        if (run != index)
            read_pages(index, run - index);
        if (!result.ok()) {
            if (run != first)
                return {};
            return result.error() == Error::nomem && wait_for_memory() ? Result<>{} : result;
        }
        index = run;
        while (index < end && pages_.find(index) != no_pfn)
            ++index;
    }
    return {};
}

void PageCache::read_ahead(std::uint32_t first, std::uint32_t count)
{
    if (backed() && first < pages_of(size()))
        (void)start_reading(first, count);
}

// In sequence, each window is twice the last one, and the next is begun when half of this one has been used; elsewhere just
// what the call wants.
void PageCache::plan_read_ahead(ReadAhead &a, std::uint32_t index, std::uint32_t wanted)
{
    wanted = std::min(wanted, read_ahead_most);
    if (a.random) {
        read_ahead(index, wanted);
        return;
    }
    bool const marked = index == a.mark;
    bool const sequential = index == 0 || index == a.next
        || (a.window != 0 && index < a.next && a.next - index <= a.window);
    if (!marked && !sequential) {
        a.window = 0;
        a.mark = ~0u;
        a.next = index + wanted;
        read_ahead(index, wanted);
        return;
    }
    auto const window = std::min(std::max({a.window * 2, read_ahead_first, wanted}), read_ahead_most);
    auto const first = marked ? std::max(a.next, index) : index;
    a.window = window;
    a.next = first + window;
    a.mark = first + window / 2;
    read_ahead(first, window);
}

void advise_pages(PageCache &pages, ReadAhead &ahead, std::uint64_t start, std::uint64_t bytes, unsigned advice)
{
    enum Advice { normal, random, sequential, will_need, dont_need };
    auto const end = bytes == 0 || start + bytes < start ? pages.size() : start + bytes;
    auto const first = static_cast<std::uint32_t>(start >> page_shift), last = pages_of(end);
    switch (advice) {
    case normal:
    case sequential: ahead.random = false; break;
    case random: ahead.random = true; break;
    case will_need:
        if (first < last)
            pages.read_ahead(first, std::min(last - first, 4 * read_ahead_most));
        break;
    case dont_need:
        (void)pages.write_out(first, last);
        // Only whole pages: the rest of a page may be wanted.
        pages.invalidate(pages_of(start), end >= pages.size() ? last : static_cast<std::uint32_t>(end >> page_shift));
        break;
    default: break;
    }
}

void PageCache::mark_dirty(std::uint32_t index, Pfn frame)
{
    if (flags_of(frame) & dirty)
        return;
    set_flags(frame, dirty);
    pages_.set_tag(index, PageTree::dirty);
    if (dirty_++ == 0)
        dirty_since_ns = arch::now_ns();
    count_dirty(*this, dirty_ == 1);
}

void PageCache::unmark_dirty(std::uint32_t index, Pfn frame)
{
    if (!(flags_of(frame) & dirty))
        return;
    clear_flags(frame, dirty);
    pages_.clear_tag(index, PageTree::dirty);
    --dirty_;
    count_clean(*this, dirty_ == 0);
}

// Begins to write the dirty pages from `first` on that follow each other. Nothing blocks before write_pages().
std::uint32_t PageCache::start_run(std::uint32_t first, std::uint32_t last, std::uint32_t most)
{
    std::uint32_t count = 0;
    for (auto index = first; index < last && count < most; ++index, ++count) {
        auto frame = pages_.find(index);
        if (frame == no_pfn || (flags_of(frame) & (dirty | writing | busy)) != dirty)
            break;
        protect_mappings(index);
        unmark_dirty(index, frame);
        set_flags(frame, writing);
        pages_.set_tag(index, PageTree::writing);
        arch::IrqGuard guard;
        ++under_way_;
        count_writing(1);
    }
    if (count != 0)
        write_pages(first, count);
    return count;
}

std::uint32_t PageCache::write_out(std::uint32_t first, std::uint32_t last, std::uint32_t most)
{
    constexpr std::uint32_t run_most = 256;
    std::uint32_t started = 0;
    auto index = first;
    while (started < most && index < last && pages_.next_tagged(index, PageTree::dirty) != no_pfn && index < last) {
        auto n = start_run(index, last, std::min(most - started, run_most));
        started += n;
        index += n ? n : 1;
        if (index == 0)
            break;
    }
    return started;
}

void PageCache::wait_written(std::uint32_t first, std::uint32_t last)
{
    auto index = first;
    while (index < last && pages_.next_tagged(index, PageTree::writing) != no_pfn && index < last) {
        if (settle(index))
            pages_.clear_tag(index, PageTree::writing);
        if (++index == 0)
            break;
    }
}

// A page that was dirtied again while it was being written is written once more, or the caller's last bytes would be missing.
Result<> PageCache::write_and_wait(std::uint32_t first, std::uint32_t last)
{
    auto sampled = errors.sample();
    wait_written(first, last);
    write_out(first, last);
    wait_written(first, last);
    return errors.check(sampled);
}

Result<> PageCache::sync_pages(std::uint32_t first, std::uint32_t last) { return write_and_wait(first, last); }

void PageCache::invalidate(std::uint32_t first, std::uint32_t last)
{
    for (auto index = first; index < last && pages_.next(index) != no_pfn && index < last; ++index) {
        if (!settle(index))
            continue;
        unmap_everywhere(index, index + 1, false);
        auto frame = pages_.find(index);
        if (frame != no_pfn && frame_refs(frame) == 1 && !(flags_of(frame) & (dirty | writing | busy)))
            drop(index);
    }
}

// What is there, and what counts as data.
Result<> PageCache::allocate(std::uint32_t index)
{
    bool const fresh = pages_.find(index) == no_pfn;
    auto frame = TRY(get(index));
    if (fresh)  // the second time it counts as data, as on Linux
        set_flags(frame, unwritten);
    unref_frame(frame);
    return {};
}

bool PageCache::is_hole(std::uint32_t index) const
{
    auto frame = pages_.find(index);
    return frame == no_pfn || (flags_of(frame) & unwritten) != 0;
}

bool PageCache::next_data(std::uint32_t &index) const
{
    for (auto frame = pages_.next(index); frame != no_pfn; frame = pages_.next(++index))
        if (!(flags_of(frame) & unwritten))
            return true;
    return false;
}

Pfn PageCache::resident_page(std::uint32_t index)
{
    if (index >= pages_of(size()))
        return no_pfn;
    auto frame = pages_.find(index);
    return frame != no_pfn && !(flags_of(frame) & (busy | failed)) ? frame : no_pfn;
}

void PageCache::resident_pages(std::uint32_t index, unsigned n, Pfn *out)
{
    pages_.find_run(index, n, out);
    auto end = pages_of(size());
    for (unsigned i = 0; i < n; ++i)
        if (index + i >= end || (out[i] != no_pfn && (flags_of(out[i]) & (busy | failed))))
            out[i] = no_pfn;
}

namespace {
PageTree::Tag tag_of(MemoryObject::Habit habit)
{
    return habit == MemoryObject::Habit::touched ? PageTree::touched : PageTree::stored;
}
}  // namespace

bool PageCache::pages_by_habit(Habit habit, std::uint32_t index, unsigned n, Pfn *out)
{
    pages_.find_run(index, n, tag_of(habit), out);
    auto end = pages_of(size());
    for (unsigned i = 0; i < n; ++i)
        if (out[i] != no_pfn && (index + i >= end || (flags_of(out[i]) & (busy | failed))))
            out[i] = no_pfn;
    return pages_.any_tagged(tag_of(habit));
}

void PageCache::note_habit(Habit habit, std::uint32_t index)
{
    if (pages_.find(index) != no_pfn)
        pages_.set_tag(index, tag_of(habit));
}

// As quick as can be where it is known already: a process that ends has many.
void PageCache::note_touched(Pfn frame)
{
    auto const &info = frame_info(frame);
    if (info.use != FrameUse::cache || (info.flags & touched) || !info.owner)
        return;
    set_flags(frame, touched);
    static_cast<PageCache *>(info.owner)->note_habit(Habit::touched, info.index);
}
}  // namespace kernel
