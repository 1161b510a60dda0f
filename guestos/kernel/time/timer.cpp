// SPDX-License-Identifier: MIT
#include <algorithm>
#include <arch/clock.hpp>
#include <arch/irq.hpp>
#include <kernel/lazy.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/time/timer_queue.hpp>

namespace kernel {
namespace {
constinit Lazy<TimerQueue> queue;
}

TimerQueue &timer_queue() { return *queue; }

void Timer::arm(std::uint64_t deadline_ns)
{
    arch::IrqGuard guard;
    unlink();
    timer_queue().insert(*this, deadline_ns);
    set_clock_alarm();
}

void Timer::cancel()
{
    arch::IrqGuard guard;
    unlink();
}
}  // namespace kernel
