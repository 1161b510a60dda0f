// SPDX-License-Identifier: MIT
// Clocks read in ring 3: the time-stamp counter, scaled as the data page says. Any other clock, and a machine without a usable counter, is
// the kernel's business.
#include <abi/time.h>
#include <arch/vdso_layout.h>
#include <asm/unistd_32.h>
#include <vdso_data.hpp>

#define EXPORT __attribute__((visibility("default")))

extern "C" {
int __vdso_clock_gettime(std::int32_t clock, abi_timespec32 *out);
int __vdso_clock_gettime64(std::int32_t clock, abi_timespec64 *out);
int __vdso_clock_getres(std::int32_t clock, abi_timespec32 *out);
int __vdso_gettimeofday(abi_timeval32 *out, abi_timezone *zone);
std::int32_t __vdso_time(std::int32_t *out);
}

namespace {
using arch::VdsoData;

constexpr std::uint32_t realtime = 0;
constexpr std::uint32_t ns_per_second = 1'000'000'000;

VdsoData const volatile &data() { return *reinterpret_cast<VdsoData const volatile *>(VDSO_DATA); }

std::uint64_t ticks()
{
    std::uint64_t t;
    asm volatile("rdtsc" : "=A"(t));
    return t;
}

std::uint64_t system_ns()
{
    auto &t = data().time;
    return arch::read_versioned(t.version, [&t] {
        arch::TickScale scale{t.mul, t.shift};
        return t.ns + scale.ns(ticks() - t.tsc);
    });
}

struct Time {
    std::uint32_t seconds, ns;
};

// The quotient fits 32 bits until the year 2106.
Time split(std::uint64_t ns)
{
    Time t;
    asm("divl %4"
        : "=a"(t.seconds), "=d"(t.ns)
        : "0"(static_cast<std::uint32_t>(ns)), "1"(static_cast<std::uint32_t>(ns >> 32)), "r"(ns_per_second)
        : "cc");
    return t;
}

// A call and what it saves would be a sixth of the whole.
[[gnu::always_inline]] inline bool read_clock(std::int32_t clock, Time &out)
{
    auto &d = data();
    auto bit = static_cast<std::uint32_t>(clock) < 32 ? 1u << clock : 0;
    if (!(bit & d.clocks))
        return false;
    auto offset = arch::read_versioned(d.version,
                                       [&] { return bit & arch::realtime_clocks ? d.realtime_ns : d.monotonic_ns; });
    out = split(system_ns() + offset);
    return true;
}

template <class A, class B>
int call_kernel(int number, A a, B b)
{
    int result;
    asm volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b) : "memory");
    return result;
}
}  // namespace

EXPORT int __vdso_clock_gettime(std::int32_t clock, abi_timespec32 *out)
{
    Time t;
    if (!read_clock(clock, t))
        return call_kernel(__NR_clock_gettime, clock, out);
    out->tv_sec = static_cast<std::int32_t>(t.seconds);
    out->tv_nsec = static_cast<std::int32_t>(t.ns);
    return 0;
}

EXPORT int __vdso_clock_gettime64(std::int32_t clock, abi_timespec64 *out)
{
    Time t;
    if (!read_clock(clock, t))
        return call_kernel(__NR_clock_gettime64, clock, out);
    *out = {};
    out->tv_sec = t.seconds;
    out->tv_nsec = static_cast<std::int32_t>(t.ns);
    return 0;
}

EXPORT int __vdso_clock_getres(std::int32_t clock, abi_timespec32 *out)
{
    return call_kernel(__NR_clock_getres, clock, out);
}

EXPORT int __vdso_gettimeofday(abi_timeval32 *out, abi_timezone *zone)
{
    Time t;
    if (zone || !out || !read_clock(realtime, t))
        return call_kernel(__NR_gettimeofday, out, zone);
    out->tv_sec = static_cast<std::int32_t>(t.seconds);
    out->tv_usec = static_cast<std::int32_t>(t.ns / 1000);
    return 0;
}

EXPORT std::int32_t __vdso_time(std::int32_t *out)
{
    Time t;
    if (!read_clock(realtime, t))
        return call_kernel(__NR_time, out, 0);
    if (out)
        *out = static_cast<std::int32_t>(t.seconds);
    return static_cast<std::int32_t>(t.seconds);
}
