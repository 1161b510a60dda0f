// SPDX-License-Identifier: MIT
// All armed timers, by deadline. Interrupts are off around every operation.
#pragma once
#include <kernel/time/timer.hpp>

namespace kernel {
struct TimerQueue {
    void insert(Timer &, std::uint64_t deadline_ns);
    std::uint64_t next_deadline() const;  // arch::no_deadline: none
    // Calls back each timer whose deadline is not after `now`; it is disarmed before, so that it may arm itself again. One
    // that arms itself for a time already past is called again only by the next run.
    void run_expired(std::uint64_t now);

private:
    boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> armed_;
};
TimerQueue &timer_queue();
}  // namespace kernel
