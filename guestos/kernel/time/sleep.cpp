// SPDX-License-Identifier: MIT
// nanosleep(2), clock_nanosleep(2). A relative sleep that a signal without handler interrupts goes on to its old end; one that a
// handler ends reports what was left.
#include <kernel/process/process.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>

namespace kernel {
namespace {
constexpr std::uint32_t timer_abstime = 1;

template <class TimeSpec>
Result<std::int32_t> sleep_until(std::uint64_t deadline, UserPtr<TimeSpec> left, bool absolute);

template <class TimeSpec>
Result<std::int32_t> resume_sleep(RestartBlock &b)
{
    return sleep_until<TimeSpec>(b.deadline_ns, UserPtr<TimeSpec>{b.argument[0]}, false);
}

template <class TimeSpec>
Result<std::int32_t> sleep_until(std::uint64_t deadline, UserPtr<TimeSpec> left, bool absolute)
{
    WaitQueue nobody;
    auto slept = wait_until(
        nobody, [] { return false; }, Sleep::interruptible, deadline);
    if (slept.error() == Error::timedout)
        return 0;
    if (absolute)
        return Error::restart_nohand;
    auto now = arch::now_ns();
    if (now >= deadline)
        return 0;
    if (left)
        TRY(left.write(to_timespec<TimeSpec>(deadline - now)));
    current().restart_block = {resume_sleep<TimeSpec>, {left.address().raw()}, deadline};
    return Error::restart_block;
}

// Sleeping on a processor-time clock: it advances only while others run, so look again when it can have got there.
Result<std::int32_t> sleep_on_cpu_clock(std::int32_t id, std::uint64_t until)
{
    for (;;) {
        auto now = TRY(clock_now(id));
        if (now >= until)
            return 0;
        WaitQueue nobody;
        auto slept = wait_until(
            nobody, [] { return false; }, Sleep::interruptible, deadline_after(until - now));
        if (slept.error() != Error::timedout)
            return Error::intr;
    }
}

template <class TimeSpec>
Result<std::int32_t> clock_nanosleep(std::int32_t id, std::uint32_t flags, UserPtr<TimeSpec> in, UserPtr<TimeSpec> left)
{
    bool absolute = (flags & timer_abstime) != 0;
    if (id == clock_thread_cpu)
        return Error::inval;
    TRY(clock_now(id));
    auto ns = TRY(to_ns(TRY(in.read())));
    if (id == clock_process_cpu || id < 0)
        return sleep_on_cpu_clock(id, absolute ? ns : TRY(clock_now(id)) + ns);
    if (!is_realtime(id) && !is_monotonic(id))
        return Error::opnotsupp;
    if (!absolute)
        return sleep_until(deadline_after(ns), left, false);
    return sleep_until(is_realtime(id) ? monotonic_of_realtime(ns) : ns, left, true);
}
SYSCALL(clock_nanosleep, 267, clock_nanosleep<abi_timespec32>);
SYSCALL(clock_nanosleep_time64, 407, clock_nanosleep<abi_timespec64>);

Result<std::int32_t> sys_nanosleep(UserPtr<abi_timespec32> in, UserPtr<abi_timespec32> left)
{
    return clock_nanosleep<abi_timespec32>(clock_monotonic, 0, in, left);
}
SYSCALL(nanosleep, 162, sys_nanosleep);
}  // namespace
}  // namespace kernel
