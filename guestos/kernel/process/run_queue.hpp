// SPDX-License-Identifier: MIT
// The order in which runnable threads get a processor: real-time threads by priority, then everybody else by virtual runtime,
// which advances the more slowly the heavier (less nice) a thread is. One RunQueue per processor, guarded by its lock.
//
//   rank      0 .. 98   SCHED_FIFO, SCHED_RR: 99 - priority;   key = order of arrival
//   rank      100       SCHED_OTHER, _BATCH, _IDLE:            key = virtual runtime in ns
#pragma once
#include <atomic>
#include <boost/intrusive/set.hpp>
#include <cstdint>

namespace kernel {
class Thread;

using SchedHook = boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;
struct SchedEntity : SchedHook {
    static constexpr std::uint8_t fair_rank = 100;
    Thread *thread = nullptr;
    std::uint8_t rank = fair_rank;
    bool queued = false;
    bool interactive = true;  // may preempt at wake-up: not SCHED_BATCH, SCHED_IDLE
    std::uint32_t weight = 1024;
    std::uint64_t key = 0;
    std::uint64_t slice_used_ns = 0;  // since it was picked
    friend bool operator<(SchedEntity const &a, SchedEntity const &b)
    {
        return a.rank != b.rank ? a.rank < b.rank : a.key < b.key;
    }
};

// 1024 for nice 0, a quarter more for each step down: ten per cent of the processor between neighbours.
std::uint32_t weight_of_nice(int nice);
inline constexpr std::uint32_t idle_policy_weight = 3;

class RunQueue {
public:
    enum class Arrival { created, woken, preempted, yielded };
    static constexpr std::uint64_t slice_ns = 10'000'000;
    static constexpr std::uint64_t sleeper_credit_ns = 6'000'000;  // how far behind the others a sleeper may return
    static constexpr std::uint64_t wakeup_granularity_ns = 1'000'000;

    void enqueue(SchedEntity &, Arrival);
    void remove(SchedEntity &);
    SchedEntity *take_first();  // nullptr: nothing is runnable
    bool empty() const { return tree_.empty(); }
    unsigned size() const { return size_; }
    void charge(SchedEntity &running, std::uint64_t ns);
    // Should `woken` take over from `running` at once? And should `running` give way at a tick?
    static bool preempts(SchedEntity const &woken, SchedEntity const &running);
    bool slice_over(SchedEntity const &running) const;

    void lock()
    {
        while (lock_.test_and_set(std::memory_order_acquire)) {}
    }  // interrupts are off
    void unlock() { lock_.clear(std::memory_order_release); }

private:
    boost::intrusive::multiset<SchedEntity, boost::intrusive::base_hook<SchedHook>, boost::intrusive::constant_time_size<false>>
        tree_;
    std::uint64_t floor_ = 0;  // smallest virtual runtime there can be: never goes back
    std::uint64_t arrivals_ = 0;
    unsigned size_ = 0;
    std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
};
}  // namespace kernel
