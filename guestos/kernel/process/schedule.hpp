// SPDX-License-Identifier: MIT
// Which thread runs. Everything here is for process/ and main.cpp; other parts block through wait.hpp.
//
//   wake() --> RunQueue --schedule()--> running --schedule()--> RunQueue (preempted) | sleeping | stopped | zombie
//
// schedule() runs with interrupts off and the queue locked across the switch: whoever comes out on the other stack unlocks.
#pragma once
#include <kernel/process/process.hpp>

namespace kernel {
struct Cpu {
    RunQueue queue;
    Thread *running = nullptr;
    Thread *idle = nullptr;
    Thread *leaving = nullptr;           // switched away from, to be seen off by finish_switch()
    std::uint64_t charged_until_ns = 0;  // the running thread's time is accounted up to here
    std::uint64_t alarm_ns = ~0ull;      // what the clock is set to
    std::uint64_t busy_user_ns = 0, busy_kernel_ns = 0, idle_ns = 0;  // for /proc/stat
};
Cpu &this_cpu();

void scheduler_init();     // the running context becomes the idle thread
[[noreturn]] void idle();  // what main() ends in
void schedule();           // gives the processor away; the caller has set its state
void wake(Thread &);       // from sleep; callable from interrupts
void wake_from_stop(Thread &);
void start_thread(Thread &);  // first time: state is runnable, `context` made
void set_policy(Thread &, int policy, int rt_priority, int nice);
void finish_switch();    // first thing on a fresh stack
void set_clock_alarm();  // for the next timer or the end of the slice, whichever comes first
Result<> allocate_kernel_stack(Thread &);
}  // namespace kernel
