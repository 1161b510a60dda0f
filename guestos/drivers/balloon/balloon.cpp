// SPDX-License-Identifier: MIT
// The balloon: memory that the domain gives back to the hypervisor and gets again, as memory/target in the store says (in KiB).
//
//   target below what we have   allocate frames, make them hollow (pvlib/device/hollow.hpp)
//   target above                fill hollow frames and free them; never more than the domain started with
//
// A thread works towards the target in steps. It stops where too little would be left for what runs, and tries again later: with
// the wait doubled each time that nothing could be moved.
#include <algorithm>
#include <arch/driver.hpp>
#include <kernel/lazy.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/reclaim.hpp>
#include <kernel/process/process.hpp>
#include <pvlib/device/hollow.hpp>
#include <pvlib/device/store.hpp>
#include <pvlib/reservation.hpp>
#include <pvlib/shared.hpp>

namespace {
constexpr xenbus::Node node{"memory", "target"};
constexpr std::uint32_t pages_per_step = pv::reservation_batch;
constexpr std::uint64_t first_pause_ns = 1'000'000'000, longest_pause_ns = 32'000'000'000;

struct Balloon {
    std::uint32_t target = 0;  // pages; 0: none was given yet
    bool changed = false;
    kernel::WaitQueue wanted;
};
constinit kernel::Lazy<Balloon> balloon;

// What the kernel and the programs should always find free.
std::uint32_t least_free()
{
    auto sixteenth = kernel::frame_counts().total / 16;
    return std::clamp<std::uint32_t>(sixteenth, 256, 4096);
}

unsigned shrink(std::uint32_t wanted)
{
    Pfn frames[pages_per_step];
    auto n = std::min(wanted, pages_per_step);
    auto keep = least_free() + n;
    if (kernel::frame_counts().free < keep)
        (void)kernel::reclaim_frames(n);
    auto free = kernel::frame_counts().free;
    n = free < keep ? (free < least_free() ? 0 : free - least_free()) : n;
    unsigned taken = 0;
    for (; taken < n; ++taken) {
        auto f = kernel::allocate_frame();
        if (!f.ok())
            break;
        frames[taken] = f.value();
    }
    auto done = taken ? pv::hollow_out({frames, taken}).value_or(0) : 0;
    for (unsigned i = 0; i < taken; ++i) {
        if (i < done)
            pv::push_hollow(frames[i]);
        else
            kernel::unref_frame(frames[i]);
    }
    return done;
}

unsigned grow(std::uint32_t wanted)
{
    Pfn frames[pages_per_step];
    auto n = std::min(wanted, pages_per_step);
    unsigned have = 0;
    while (have < n && (frames[have] = pv::pop_hollow()) != no_pfn)
        ++have;
    auto done = pv::fill({frames, have});
    for (auto i = done; i < have; ++i)
        pv::push_hollow(frames[i]);
    return done;
}

// One step; the number of pages moved. done: the target is reached, or as near as it can be.
unsigned step(bool &done)
{
    auto now = pv::current_pages(), target = balloon->target;
    done = target == 0 || now == target || (now < target && pv::hollow_count() == 0);
    if (done)
        return 0;
    return now > target ? shrink(now - target) : grow(target - now);
}

void work(void *)
{
    auto pause = first_pause_ns;
    for (;;) {
        bool done = false;
        auto moved = step(done);
        if (moved) {
            pause = first_pause_ns;
            kernel::yield();
            continue;
        }
        auto deadline = done ? arch::no_deadline : arch::now_ns() + pause;
        auto woken = kernel::wait_until(
            balloon->wanted, [] { return balloon->changed; }, kernel::Sleep::uninterruptible, deadline);
        pause = woken.ok() ? first_pause_ns : std::min(pause * 2, longest_pause_ns);
        balloon->changed = false;
    }
}

void target_changed(void *, std::string_view)
{
    auto kib = xenbus::read_number(node);
    if (!kib.ok())
        return;  // nobody gave one
    balloon->target = std::max<std::uint32_t>(kib.value() / 4, 1);
    pv::set_balloon_target(balloon->target);
    balloon->changed = true;
    balloon->wanted.wake_all();
}

void start()
{
    auto thread = kernel::start_kernel_thread("balloon", work, nullptr);
    auto watch = thread.ok() ? new (std::nothrow) xenbus::Watch{target_changed, nullptr} : nullptr;  // for good
    auto started = watch ? watch->start_soon(node) : Result<>{Error::nomem};
    if (!started.ok())
        kernel::log("<3>balloon: the domain keeps the memory it has: error %d", to_errno(started));
}
DRIVER(balloon, start);
}  // namespace
