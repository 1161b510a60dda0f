// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/process/run_queue.hpp>

namespace kernel {
std::uint32_t weight_of_nice(int nice)
{
    std::uint64_t weight = 1024 << 10;
    for (; nice < 0; ++nice)
        weight = weight * 5 / 4;
    for (; nice > 0; --nice)
        weight = weight * 4 / 5;
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(weight >> 10, 1));
}

void RunQueue::enqueue(SchedEntity &e, Arrival arrival)
{
    if (e.queued)
        return;
    if (e.rank < SchedEntity::fair_rank) {
        // A preempted real-time thread stays the first of its priority, sched(7).
        if (arrival != Arrival::preempted)
            e.key = ++arrivals_ + (1ull << 32);
    } else if (arrival == Arrival::woken) {
        std::uint64_t credit = e.interactive ? sleeper_credit_ns : 0;
        e.key = std::max(e.key, floor_ > credit ? floor_ - credit : 0);
    } else {
        e.key = std::max(e.key, arrival == Arrival::created ? floor_ : 0);
        if (arrival == Arrival::yielded && !tree_.empty() && tree_.rbegin()->rank == e.rank)
            e.key = std::max(e.key, tree_.rbegin()->key);
    }
    tree_.insert(e);
    e.queued = true;
    ++size_;
}

void RunQueue::remove(SchedEntity &e)
{
    if (!e.queued)
        return;
    tree_.erase(tree_.iterator_to(e));
    e.queued = false;
    --size_;
}

SchedEntity *RunQueue::take_first()
{
    if (tree_.empty())
        return nullptr;
    SchedEntity &e = *tree_.begin();
    remove(e);
    e.slice_used_ns = 0;
    if (e.rank == SchedEntity::fair_rank)
        floor_ = std::max(floor_, e.key);
    return &e;
}

void RunQueue::charge(SchedEntity &running, std::uint64_t ns)
{
    running.slice_used_ns += ns;
    if (running.rank < SchedEntity::fair_rank)
        return;
    // Below 2^32 ns the product fits; a longer stretch (a suspended machine) is not worth being exact about.
    running.key += std::min<std::uint64_t>(ns, 0xffff'ffff) * 1024 / running.weight;
    auto least = running.key;
    for (auto const &e : tree_) {
        if (e.rank < SchedEntity::fair_rank)
            continue;
        least = std::min(least, e.key);
        break;
    }
    floor_ = std::max(floor_, least);
}

bool RunQueue::preempts(SchedEntity const &woken, SchedEntity const &running)
{
    if (woken.rank != running.rank)
        return woken.rank < running.rank;
    if (woken.rank < SchedEntity::fair_rank || !woken.interactive)
        return false;
    return woken.key + wakeup_granularity_ns < running.key;
}

bool RunQueue::slice_over(SchedEntity const &running) const
{
    if (tree_.empty())
        return false;
    SchedEntity const &first = *tree_.begin();
    if (first.rank != running.rank)
        return first.rank < running.rank;
    // FIFO threads never have a slice; they are told apart from RR by `interactive` being false.
    if (running.rank < SchedEntity::fair_rank)
        return running.interactive && running.slice_used_ns >= slice_ns;
    return first.key < running.key;
}
}  // namespace kernel
