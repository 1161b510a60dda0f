// SPDX-License-Identifier: MIT
#include <arch/vdso.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/time/clock.hpp>

namespace kernel {
namespace {
std::uint64_t wall_offset;  // two's complement: may be "negative"

// pthread_getcpuclockid(3): the complement of the pid in bits 3 and up, bit 2: of one thread, 0-1: which time (2: all of it).
Result<std::uint64_t> cpu_clock(std::int32_t id)
{
    Pid pid = ~(id >> 3);
    int which = id & 3;
    if (which == 3)
        return Error::inval;
    CpuTimes times;
    if (id & 4) {
        auto t = pid == 0 ? Ref<Thread>{&current()} : find_thread(pid);
        if (!t || t->process != current().process)
            return Error::inval;
        times = times_of(*t);
    } else {
        auto p = pid == 0 ? current().process : find_process(pid);
        if (!p)
            return Error::inval;
        times = times_of(*p);
    }
    return which == 1 ? times.user_ns : times.user_ns + times.kernel_ns;
}
}  // namespace

std::uint64_t realtime_ns() { return arch::now_ns() + arch::wall_clock_base() + wall_offset; }

void set_realtime(std::uint64_t ns)
{
    wall_offset = ns - arch::wall_clock_ns();
    publish_realtime();
}

// The platform's own wall clock may be set, too: the clock interrupt asks every time.
void publish_realtime()
{
    static std::uint64_t published;
    auto base = arch::wall_clock_base() + wall_offset;
    if (base != published)
        arch::vdso_set_realtime(base);
    published = base;
}

Result<std::uint64_t> clock_now(std::int32_t id)
{
    switch (id) {
    case clock_realtime:
    case clock_realtime_coarse:
    case clock_realtime_alarm:
    case clock_tai: return realtime_ns();
    case clock_monotonic:
    case clock_monotonic_raw:
    case clock_monotonic_coarse:
    case clock_boottime:
    case clock_boottime_alarm: return arch::now_ns();
    case clock_process_cpu: return cpu_clock(~0 << 3 | 2);
    case clock_thread_cpu: return cpu_clock(~0 << 3 | 6);
    }
    if (id < 0)
        return cpu_clock(id);
    return Error::inval;
}
}  // namespace kernel
