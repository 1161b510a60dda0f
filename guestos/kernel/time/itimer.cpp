// SPDX-License-Identifier: MIT
// setitimer(2), getitimer(2), alarm(2).
#include <kernel/process/usage.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>
#include <kernel/time/process_timers.hpp>

namespace kernel {
namespace {
struct Setting {
    std::uint64_t value_ns, interval_ns;
};

ProcessTimers::CpuTimer *cpu_timer(ProcessTimers &timers, int which)
{
    return which == 1 ? &timers.virtual_time : which == 2 ? &timers.profile : nullptr;
}

std::uint64_t cpu_used(Process &p, int which)
{
    auto t = times_of(p);
    return which == 1 ? t.user_ns : t.user_ns + t.kernel_ns;
}

// A timer that is about to fire shows at least a microsecond, because zero means disarmed.
std::uint64_t left(std::uint64_t deadline, std::uint64_t now) { return deadline > now + 1000 ? deadline - now : 1000; }

Result<Setting> get(Process &p, int which)
{
    if (which < 0 || which > 2)
        return Error::inval;
    if (!p.timers)
        return Setting{0, 0};
    if (auto *t = cpu_timer(*p.timers, which))
        return Setting{t->expiry_ns ? left(t->expiry_ns, cpu_used(p, which)) : 0, t->interval_ns};
    Timer &real = p.timers->real;
    return Setting{real.armed() ? left(real.deadline(), arch::now_ns()) : 0, p.timers->real_interval_ns};
}

Result<> set(Process &p, int which, Setting s)
{
    if (which < 0 || which > 2)
        return Error::inval;
    ProcessTimers &timers = *TRY(process_timers(p));
    arch::IrqGuard guard;
    if (auto *t = cpu_timer(timers, which)) {
        *t = {s.value_ns ? cpu_used(p, which) + s.value_ns : 0, s.interval_ns};
        return {};
    }
    timers.real_interval_ns = s.interval_ns;
    if (s.value_ns)
        timers.real.arm(deadline_after(s.value_ns));
    else
        timers.real.cancel();
    return {};
}

abi_itimerval32 to_abi(Setting s) { return {to_timeval(s.interval_ns), to_timeval(s.value_ns)}; }

Result<> sys_getitimer(int which, UserPtr<abi_itimerval32> out)
{
    return out.write(to_abi(TRY(get(current_process(), which))));
}
SYSCALL(getitimer, 105, sys_getitimer);

Result<> sys_setitimer(int which, UserPtr<abi_itimerval32> in, UserPtr<abi_itimerval32> out)
{
    Setting wanted{0, 0};
    if (in) {
        auto v = TRY(in.read());
        wanted = {TRY(to_ns(v.it_value)), TRY(to_ns(v.it_interval))};
    }
    auto old = TRY(get(current_process(), which));
    TRY(set(current_process(), which, wanted));
    if (out)
        TRY(out.write(to_abi(old)));
    return {};
}
SYSCALL(setitimer, 104, sys_setitimer);

// Whole seconds; what was left of an earlier alarm is rounded, but not down to 0.
Result<std::int32_t> sys_alarm(std::uint32_t seconds)
{
    auto old = TRY(get(current_process(), 0));
    TRY(set(current_process(), 0, {seconds * ns_per_second, 0}));
    auto rounded = (old.value_ns + ns_per_second / 2) / ns_per_second;
    return static_cast<std::int32_t>(old.value_ns && rounded == 0 ? 1 : rounded);
}
SYSCALL(alarm, 27, sys_alarm);
}  // namespace
}  // namespace kernel
