// SPDX-License-Identifier: MIT
// Timers that send signals: the three of setitimer(2) and those of timer_create(2). A process gets a ProcessTimers when it first
// asks for one. Wall-time timers fire from the timer queue; processor-time ones are looked at by the tick.
#pragma once
#include <boost/intrusive/list.hpp>
#include <kernel/process/process.hpp>
#include <kernel/process/signal_queue.hpp>
#include <kernel/time/timer.hpp>

namespace kernel {
struct PosixTimer;
struct TimerSignal : QueuedSignal {
    PosixTimer *timer = nullptr;
};
struct PosixTimer : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    PosixTimer(Process &, std::int32_t id_, std::int32_t clock_);
    std::int32_t id, clock;
    Process &process;
    Thread *target = nullptr;                      // SIGEV_THREAD_ID
    bool thread_directed = false, silent = false;  // silent: SIGEV_NONE
    int signo = 0;
    std::uint32_t value = 0;
    Timer timer;
    std::uint64_t cpu_expiry_ns = 0;  // processor-time clocks: 0: disarmed
    std::uint64_t interval_ns = 0;
    std::uint32_t overrun = 0, reported_overrun = 0;
    TimerSignal signal;
    bool on_cpu_time() const { return clock < 0 || clock == 2 || clock == 3; }
    void fire(std::uint64_t periods);
};

struct ProcessTimers {
    explicit ProcessTimers(Process &);
    ~ProcessTimers();
    Process &process;
    Timer real;
    std::uint64_t real_interval_ns = 0;
    struct CpuTimer {
        std::uint64_t expiry_ns = 0, interval_ns = 0;
    } virtual_time, profile;  // expiry 0: disarmed
    boost::intrusive::list<PosixTimer, boost::intrusive::constant_time_size<false>> posix;
    std::int32_t next_id = 0;
};
Result<ProcessTimers *> process_timers(Process &);  // makes them
void drop_process_timers(Process &);                // exit
void drop_posix_timers(Process &);                  // exec
void forget_thread_timers(Thread &);                // a thread that timers notify ends
void check_cpu_timers(Thread &running);  // by the tick: ITIMER_VIRTUAL, ITIMER_PROF, RLIMIT_CPU, processor clocks
}  // namespace kernel
