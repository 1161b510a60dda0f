// SPDX-License-Identifier: MIT
#include <arch/clock.hpp>
#include <kernel/lazy.hpp>
#include <kernel/memory/reclaim.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/schedule.hpp>

namespace kernel {
namespace {
using DirtyList = boost::intrusive::list<PageCache, boost::intrusive::member_hook<PageCache, DirtyHook, &PageCache::dirty_hook>,
                                         boost::intrusive::constant_time_size<false>>;
constinit Lazy<DirtyList> dirty_caches;  // in the order in which they became dirty
constinit std::uint32_t dirty_pages = 0;
constinit std::uint32_t writing_pages = 0;  // changed by interrupt handlers
constinit Lazy<WaitQueue> work, fewer_dirty, memory_wanted, memory_freed;
constinit bool work_wanted = false, reclaim_wanted = false, threads_run = false;
constinit std::uint32_t freed_so_far = 0;

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t old_ns = 5 * second;
constexpr std::uint32_t chunk_pages = 1024;  // of one file before another one's turn

constinit std::uint32_t dirty_limit = ~0u, background_limit = ~0u;  // pages; set once the threads run

bool is_idle_thread() { return &current() == this_cpu().idle; }

// Writes from one file; false: nothing could be begun.
bool write_some(PageCache &cache)
{
    auto n = cache.write_out(0, ~0u, chunk_pages);
    if (cache.dirty_hook.is_linked()) {  // others first, next time
        dirty_caches->erase(dirty_caches->iterator_to(cache));
        dirty_caches->push_back(cache);
        if (n != 0)
            cache.dirty_since_ns = arch::now_ns();
    }
    return n != 0;
}

// True: there may be more to do at once.
bool write_what_is_due()
{
    bool any = false;
    // Each file at most once in a round: one whose pages are all being written already must not keep us here.
    std::uint32_t files = 0;
    for ([[maybe_unused]] auto &c : *dirty_caches)
        ++files;
    for (; files != 0 && !dirty_caches->empty(); --files) {
        Ref<PageCache> cache{&dirty_caches->front()};
        bool const old = arch::now_ns() - cache->dirty_since_ns >= old_ns;
        if (!old && dirty_pages <= background_limit)
            break;
        any |= write_some(*cache);
        fewer_dirty->wake_all();
    }
    return any && dirty_pages > background_limit;
}

void write_back_thread(void *)
{
    for (;;) {
        (void)wait_until(
            *work, [] { return std::exchange(work_wanted, false); }, Sleep::uninterruptible, arch::now_ns() + second);
        while (write_what_is_due())
            yield();
    }
}

// Direct reclaim takes what nobody has mapped. This thread makes more of that when it did not suffice.
void reclaim_thread(void *)
{
    for (;;) {
        (void)wait_until(
            *memory_wanted, [] { return std::exchange(reclaim_wanted, false); }, Sleep::uninterruptible);
        auto unmapped = unmap_old_frames(256);
        freed_so_far += reclaim_frames(unmapped + 64);
        memory_freed->wake_all();
    }
}
}  // namespace

WriteBackCounts write_back_counts() { return {dirty_pages, writing_pages}; }

bool dirty_limit_exceeded() { return dirty_pages + writing_pages > dirty_limit; }

void write_back_soon()
{
    arch::IrqGuard guard;
    work_wanted = true;
    work->wake_all();
}

bool serves_write_back() { return current().serves_write_back; }

void throttle_writer()
{
    if (!threads_run || is_idle_thread() || serves_write_back())
        return;
    while (dirty_limit_exceeded()) {
        write_back_soon();
        auto waited = wait_until(
            *fewer_dirty, [] { return !dirty_limit_exceeded(); }, Sleep::killable, arch::now_ns() + second / 10);
        if (!waited.ok() && waited.error() != Error::timedout)
            return;
    }
}

bool wait_for_memory()
{
    constexpr unsigned rounds = 20;
    if (!threads_run || is_idle_thread())
        return false;
    auto const before = freed_so_far;
    for (unsigned i = 0; i < rounds; ++i) {
        bool const hope = dirty_pages + writing_pages != 0;
        {
            arch::IrqGuard guard;
            reclaim_wanted = true;
            memory_wanted->wake_all();
        }
        if (hope)
            write_back_soon();
        (void)wait_until(
            *memory_freed, [&] { return freed_so_far != before; }, Sleep::killable, arch::now_ns() + second / 20);
        if (freed_so_far != before)
            return true;
        if (!hope)
            return false;
    }
    return false;
}

void count_dirty(PageCache &cache, bool first)
{
    ++dirty_pages;
    if (first)
        dirty_caches->push_back(cache);
    if (dirty_pages == background_limit + 1)
        write_back_soon();
}

void count_clean(PageCache &cache, bool last)
{
    --dirty_pages;
    if (last)
        dirty_caches->erase(dirty_caches->iterator_to(cache));
}

void count_writing(int change)
{
    arch::IrqGuard guard;
    writing_pages += static_cast<std::uint32_t>(change);
    if (change < 0 && !dirty_limit_exceeded())
        fewer_dirty->wake_all();
}

void start_write_back_threads()
{
    auto writer = start_kernel_thread("write-back", write_back_thread, nullptr);
    auto reclaimer = start_kernel_thread("reclaim", reclaim_thread, nullptr);
    if (!writer.ok() || !reclaimer.ok())
        panic("no memory for the write-back threads");
    writer.value()->serves_write_back = true;
    dirty_limit = frame_counts().total / 5;
    background_limit = frame_counts().total / 10;
    threads_run = true;
}
}  // namespace kernel
