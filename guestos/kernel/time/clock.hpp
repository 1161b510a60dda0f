// SPDX-License-Identifier: MIT
// Clocks by their POSIX ids, and the ABI's time structures as nanoseconds.
#pragma once
#include <abi/time.h>
#include <arch/clock.hpp>
#include <kernel/time/timer.hpp>
#include <lib/result.hpp>

namespace kernel {
inline constexpr std::uint64_t ns_per_second = 1'000'000'000;
inline constexpr std::uint64_t longest_ns = ~0ull >> 1;  // 292 years: what does not fit waits that long

enum ClockId : std::int32_t {
    clock_realtime = 0,
    clock_monotonic = 1,
    clock_process_cpu = 2,
    clock_thread_cpu = 3,
    clock_monotonic_raw = 4,
    clock_realtime_coarse = 5,
    clock_monotonic_coarse = 6,
    clock_boottime = 7,
    clock_realtime_alarm = 8,
    clock_boottime_alarm = 9,
    clock_tai = 11,
};
Result<std::uint64_t> clock_now(std::int32_t id);  // ns; Error::inval: no such clock
inline bool is_realtime(std::int32_t id)
{
    return id == clock_realtime || id == clock_realtime_alarm || id == clock_tai;
}
inline bool is_monotonic(std::int32_t id)
{
    return id == clock_monotonic || id == clock_boottime || id == clock_boottime_alarm;
}

constexpr std::uint64_t seconds_and_ns(std::int64_t s, std::int64_t ns)
{
    if (static_cast<std::uint64_t>(s) >= longest_ns / ns_per_second)
        return longest_ns;
    return static_cast<std::uint64_t>(s) * ns_per_second + static_cast<std::uint64_t>(ns);
}
template <class TimeSpec>
requires requires(TimeSpec t) { t.tv_nsec; }
constexpr Result<std::uint64_t> to_ns(TimeSpec t)  // Error::inval: negative, or nanoseconds out of range
{
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1'000'000'000)
        return Error::inval;
    return seconds_and_ns(t.tv_sec, t.tv_nsec);
}
constexpr Result<std::uint64_t> to_ns(abi_timeval32 t)
{
    if (t.tv_sec < 0 || t.tv_usec < 0 || t.tv_usec >= 1'000'000)
        return Error::inval;
    return seconds_and_ns(t.tv_sec, std::int64_t{t.tv_usec} * 1000);
}
template <class TimeSpec>
constexpr TimeSpec to_timespec(std::uint64_t ns)
{
    TimeSpec t{};
    t.tv_sec = static_cast<decltype(t.tv_sec)>(ns / ns_per_second);
    t.tv_nsec = static_cast<std::int32_t>(ns % ns_per_second);
    return t;
}
constexpr abi_timeval32 to_timeval(std::uint64_t ns)
{
    return {static_cast<std::int32_t>(ns / ns_per_second), static_cast<std::int32_t>(ns % ns_per_second / 1000)};
}

inline std::uint64_t deadline_after(std::uint64_t ns)  // in arch::now_ns() time
{
    auto now = arch::now_ns();
    return ns >= longest_ns - now ? longest_ns : now + ns;
}
// The monotonic time at which the wall clock will show `ns`, if nobody sets it meanwhile.
inline std::uint64_t monotonic_of_realtime(std::uint64_t ns)
{
    auto wall = realtime_ns();
    return ns <= wall ? 0 : deadline_after(ns - wall);
}
void set_realtime(std::uint64_t ns);
void publish_realtime();  // tells the vDSO, if it does not know yet
}  // namespace kernel
