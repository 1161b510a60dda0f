// SPDX-License-Identifier: MIT
#include <arch/clock.hpp>
#include <kernel/time/timer_queue.hpp>

namespace kernel {
void TimerQueue::insert(Timer &timer, std::uint64_t deadline_ns)
{
    timer.deadline_ = deadline_ns;
    armed_.insert(timer);
}

std::uint64_t TimerQueue::next_deadline() const
{
    return armed_.empty() ? arch::no_deadline : armed_.begin()->deadline_;
}

void TimerQueue::run_expired(std::uint64_t now)
{
    boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> expired;
    while (!armed_.empty() && armed_.begin()->deadline_ <= now) {
        Timer &t = *armed_.begin();
        t.unlink();
        expired.insert(t);
    }
    // From the second tree a callback may still cancel timers that are due as well.
    while (!expired.empty()) {
        Timer &t = *expired.begin();
        t.unlink();
        t.callback_(t);
    }
}
}  // namespace kernel
