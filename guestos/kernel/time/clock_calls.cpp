// SPDX-License-Identifier: MIT
// Reading and setting clocks. Calls with a 32-bit and a 64-bit form are one template.
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>

namespace kernel {
namespace {
constexpr unsigned cap_sys_time = 25;

Result<> may_set_clock() { return current().credentials.has_cap(cap_sys_time) ? Result<>{} : Result<>{Error::perm}; }

template <class TimeSpec>
Result<> clock_gettime(std::int32_t id, UserPtr<TimeSpec> out)
{
    return out.write(to_timespec<TimeSpec>(TRY(clock_now(id))));
}
SYSCALL(clock_gettime, 265, clock_gettime<abi_timespec32>);
SYSCALL(clock_gettime64, 403, clock_gettime<abi_timespec64>);

template <class TimeSpec>
Result<> clock_settime(std::int32_t id, UserPtr<TimeSpec> in)
{
    if (id != clock_realtime)
        return Error::inval;
    auto ns = TRY(to_ns(TRY(in.read())));
    TRY(may_set_clock());
    set_realtime(ns);
    return {};
}
SYSCALL(clock_settime, 264, clock_settime<abi_timespec32>);
SYSCALL(clock_settime64, 404, clock_settime<abi_timespec64>);

template <class TimeSpec>
Result<> clock_getres(std::int32_t id, UserPtr<TimeSpec> out)
{
    TRY(clock_now(id));
    bool coarse = id == clock_realtime_coarse || id == clock_monotonic_coarse;
    if (!out)
        return {};
    return out.write(to_timespec<TimeSpec>(coarse ? 10'000'000 : 1));
}
SYSCALL(clock_getres, 266, clock_getres<abi_timespec32>);
SYSCALL(clock_getres_time64, 406, clock_getres<abi_timespec64>);

abi_timezone zone;  // what settimeofday(2) said: kept for it, used by nobody

Result<> sys_gettimeofday(UserPtr<abi_timeval32> time, UserPtr<abi_timezone> tz)
{
    if (time)
        TRY(time.write(to_timeval(realtime_ns())));
    if (tz)
        TRY(tz.write(zone));
    return {};
}
SYSCALL(gettimeofday, 78, sys_gettimeofday);

Result<> sys_settimeofday(UserPtr<abi_timeval32> time, UserPtr<abi_timezone> tz)
{
    std::uint64_t ns = 0;
    if (time)
        ns = TRY(to_ns(TRY(time.read())));
    abi_timezone new_zone = tz ? TRY(tz.read()) : zone;
    TRY(may_set_clock());
    zone = new_zone;
    if (time)
        set_realtime(ns);
    return {};
}
SYSCALL(settimeofday, 79, sys_settimeofday);

Result<std::int32_t> sys_time(UserPtr<std::int32_t> out)
{
    auto now = static_cast<std::int32_t>(realtime_ns() / ns_per_second);
    if (out)
        TRY(out.write(now));
    return now;
}
SYSCALL(time, 13, sys_time);

Result<> sys_stime(UserPtr<std::int32_t> in)
{
    auto seconds = TRY(in.read());
    TRY(may_set_clock());
    set_realtime(seconds_and_ns(seconds, 0));
    return {};
}
SYSCALL(stime, 25, sys_stime);

// The clock is as good as the machine's: there is nothing to steer, so it can be read and set but not slewed.
constexpr std::uint32_t adj_singleshot_read = 0xa001;
constexpr std::int32_t sta_unsync = 0x40, time_error = 5;

template <class Timex>
void describe_clock(Timex &t)
{
    auto now = realtime_ns();
    t.modes = 0;
    t.offset = t.freq = 0;
    t.maxerror = t.esterror = 16'000'000;
    t.status = sta_unsync;
    t.constant = 2;
    t.precision = 1;
    t.tolerance = 500 << 16;
    t.tick = 10000;
    t.tai = 0;
    auto seconds = now / ns_per_second, us = now % ns_per_second / 1000;
    if constexpr (std::is_same_v<Timex, abi_timex32>)
        t.time = {static_cast<std::int32_t>(seconds), static_cast<std::int32_t>(us)};
    else
        t.tv_sec = static_cast<std::int64_t>(seconds), t.tv_usec = static_cast<std::int64_t>(us);
}

template <class Timex>
Result<std::int32_t> adjust(std::int32_t id, UserPtr<Timex> user)
{
    if (id != clock_realtime)
        return Error::opnotsupp;
    auto t = TRY(user.read());
    if (t.modes != 0 && t.modes != adj_singleshot_read) {
        TRY(may_set_clock());
        return Error::opnotsupp;
    }
    describe_clock(t);
    TRY(user.write(t));
    return time_error;
}

Result<std::int32_t> sys_adjtimex(UserPtr<abi_timex32> user) { return adjust<abi_timex32>(clock_realtime, user); }
SYSCALL(adjtimex, 124, sys_adjtimex);
SYSCALL(clock_adjtime, 343, adjust<abi_timex32>);
SYSCALL(clock_adjtime64, 405, adjust<abi_timex64>);
}  // namespace
}  // namespace kernel
