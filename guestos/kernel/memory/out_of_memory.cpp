// SPDX-License-Identifier: MIT
// Memory is short, and nothing can be given back: one process has to end. The one that has most memory of its own, whoever asked last:
// that frees most, and it is most often the one that asked for too much.
#include <arch/clock.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
namespace {
struct Choice {
    Process *process = nullptr;
    AddressSpace::Sizes sizes{};
    std::uint32_t own_pages = 0;
    bool one_is_dying = false;
};

// Its memory goes when its last thread has left: at its next way to ring 3, which what it waits for may put off.
bool is_dying(Process const &p) { return p.exiting || (p.leader && fatal_signal_pending(*p.leader)); }

bool consider(void *context, Process &p)
{
    auto &best = *static_cast<Choice *>(context);
    Ref<AddressSpace> memory;
    for_each_thread(
        p,
        [](void *found, Thread &t) {
            *static_cast<Ref<AddressSpace> *>(found) = t.memory;
            return !t.memory;
        },
        &memory);
    if (p.zombie || !memory)
        return true;
    if (is_dying(p)) {
        best.one_is_dying = true;
        return true;
    }
    auto const sizes = memory->sizes();
    auto const own = sizes.resident_pages - sizes.shared_pages;
    if (!p.is_init() && (!best.process || own > best.own_pages)) {
        best.process = &p;
        best.sizes = sizes;
        best.own_pages = own;
    }
    return true;
}

void let_it_go()
{
    constexpr std::uint64_t look_again_ns = 20'000'000;
    WaitQueue nobody_wakes;
    (void)wait_until(
        nobody_wakes, [] { return frames_for_programs(); }, Sleep::killable, arch::now_ns() + look_again_ns);
}

constinit std::uint64_t next_one_at_ns = 0;  // another one's turn, if the last one does not get away
}  // namespace

bool make_room_by_killing()
{
    if (fatal_signal_pending(current()))
        return false;
    Choice choice;
    for_each_process(consider, &choice);
    bool const waits = choice.one_is_dying && arch::now_ns() < next_one_at_ns;
    if (!waits) {
        auto *victim = choice.process ? choice.process : &current_process();
        log("<3>out of memory: killed %s (pid %d), %u KB resident, %u KB of them its own", victim->leader->name,
            victim->pid, choice.sizes.resident_pages * 4, choice.own_pages * 4);
        (void)send_signal(*victim, SignalInfo::kernel(sig_kill));
        constexpr std::uint64_t patience_ns = 2'000'000'000;
        next_one_at_ns = arch::now_ns() + patience_ns;
        if (victim == &current_process())
            return false;
    }
    let_it_go();
    return !fatal_signal_pending(current());
}
}  // namespace kernel
