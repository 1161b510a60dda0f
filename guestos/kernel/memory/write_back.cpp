// SPDX-License-Identifier: MIT
#include <algorithm>
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
constinit std::uint32_t writing_pages = 0;   // changed by interrupt handlers
constinit std::uint32_t cleaned_so_far = 0;  // the same
constinit Lazy<WaitQueue> work, fewer_dirty, cleaned, memory_wanted, memory_freed;
constinit bool work_wanted = false, clean_pages_wanted = false, threads_run = false;
constinit bool reclaim_wanted = false;
constinit std::uint32_t frames_wanted = 0;  // beyond the kernel's reserve
constinit std::uint32_t freed_so_far = 0, passes_begun = 0, passes_ended = 0;
constinit std::uint64_t rest_until_ns = 0;  // a pass was in vain: nobody who does not wait for one needs another before

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t old_ns = 5 * second;
constexpr std::uint32_t chunk_pages = 1024;  // of one file before another one's turn

constexpr std::uint64_t rest_ns = second / 10;

std::uint32_t dirty_limit()
{
    constexpr std::uint32_t least = 64;
    if (!threads_run)
        return ~0u;
    auto const counts = frame_counts();
    return std::max(least, std::min(counts.total / 5, (counts.free + reclaimable_frame_count()) / 2));
}

std::uint32_t background_limit() { return dirty_limit() / 2; }

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
    bool const all = std::exchange(clean_pages_wanted, false);
    // Each file at most once in a round: one whose pages are all being written already must not keep us here.
    std::uint32_t files = 0;
    for ([[maybe_unused]] auto &c : *dirty_caches)
        ++files;
    for (; files != 0 && !dirty_caches->empty(); --files) {
        Ref<PageCache> cache{&dirty_caches->front()};
        bool const old = arch::now_ns() - cache->dirty_since_ns >= old_ns;
        if (!all && !old && dirty_pages <= background_limit())
            break;
        any |= write_some(*cache);
        fewer_dirty->wake_all();
    }
    return any && dirty_pages > background_limit();
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

// Direct reclaim takes what nobody has mapped; this thread takes pages out of page tables as well. It goes before every program, so that
// whatever a system call took is made good, as far as can be, before the next one.
void reclaim_thread(void *)
{
    for (;;) {
        (void)wait_until(
            *memory_wanted, [] { return std::exchange(reclaim_wanted, false); }, Sleep::uninterruptible);
        ++passes_begun;
        auto const marks = frame_marks();
        auto const goal = std::max(marks.high, marks.reserve + std::exchange(frames_wanted, 0u));
        auto const free = frame_counts().free;
        auto const freed = free < goal ? reclaim_pass(goal - free) : 0;
        freed_so_far += freed;
        if (free + freed < goal) {
            if (freed == 0)
                rest_until_ns = arch::now_ns() + rest_ns;
            if (dirty_pages != 0) {
                clean_pages_wanted = true;
                write_back_soon();
            }
        }
        ++passes_ended;
        memory_freed->wake_all();
    }
}

void start_a_pass()
{
    arch::IrqGuard guard;
    reclaim_wanted = true;
    memory_wanted->wake_all();
}

void memory_is_low()
{
    if (!reclaim_wanted && arch::now_ns() >= rest_until_ns)
        start_a_pass();
}
}  // namespace

WriteBackCounts write_back_counts() { return {dirty_pages, writing_pages, dirty_limit(), background_limit()}; }

bool dirty_limit_exceeded() { return dirty_pages + writing_pages > dirty_limit(); }

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

WriteBackScope::WriteBackScope() : before_{std::exchange(current().serves_write_back, true)} {}
WriteBackScope::~WriteBackScope() { current().serves_write_back = before_; }

// Each round is one pass of the thread that began after it was asked for. As long as dirty pages remain there is hope, though not for ever:
// their disk may have gone.
bool wait_for_memory(std::uint32_t wanted)
{
    constexpr unsigned rounds = 100;
    if (!threads_run || is_idle_thread())
        return false;
    for (unsigned i = 0; i < rounds && !fatal_signal_pending(current()); ++i) {
        if (frames_for_programs(wanted))
            return true;
        auto const pass = passes_begun + 1, freed = freed_so_far, before = cleaned_so_far;
        frames_wanted = std::max(frames_wanted, wanted);
        start_a_pass();
        (void)wait_until(
            *memory_freed, [&] { return static_cast<std::int32_t>(passes_ended - pass) >= 0; }, Sleep::killable);
        if (freed_so_far != freed || frames_for_programs(wanted))
            return !fatal_signal_pending(current());
        if (dirty_pages + writing_pages == 0)
            return false;
        (void)wait_until(
            *cleaned, [&] { return cleaned_so_far != before; }, Sleep::killable, arch::now_ns() + second / 10);
    }
    return false;
}

void count_dirty(PageCache &cache, bool first)
{
    ++dirty_pages;
    if (first)
        dirty_caches->push_back(cache);
    if (!work_wanted && dirty_pages > background_limit())
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
    if (change < 0) {
        ++cleaned_so_far;
        cleaned->wake_all();
        if (!dirty_limit_exceeded())
            fewer_dirty->wake_all();
    }
}

void start_write_back_threads()
{
    auto writer = start_kernel_thread("write-back", write_back_thread, nullptr);
    auto reclaimer = start_kernel_thread("reclaim", reclaim_thread, nullptr);
    if (!writer.ok() || !reclaimer.ok())
        panic("no memory for the write-back threads");
    writer.value()->serves_write_back = true;
    constexpr int fifo = 1, priority = 50;
    set_policy(*reclaimer.value(), fifo, priority, 0);
    threads_run = true;
    set_memory_policy({.low = memory_is_low, .may_use_last = serves_write_back});
}
}  // namespace kernel
