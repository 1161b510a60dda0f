// SPDX-License-Identifier: MIT
#include <abi/time.h>
#include <arch/clock.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
CpuTimes times_of(Thread &t)
{
    if (&t == &current())
        charge_running();
    return {t.user_ns, t.kernel_ns};
}

CpuTimes times_of(Process &p)
{
    if (current().process.get() == &p)
        charge_running();
    CpuTimes sum{p.dead_user_ns, p.dead_kernel_ns};
    arch::IrqGuard guard;
    if (p.zombie)
        return sum;
    for (Thread &t : p.threads) {
        if (t.state == ThreadState::zombie)
            continue;  // counted among the dead
        sum.user_ns += t.user_ns;
        sum.kernel_ns += t.kernel_ns;
    }
    return sum;
}

namespace {
void set_times(abi_rusage &r, CpuTimes t)
{
    constexpr std::uint64_t second = 1'000'000'000;
    r.ru_utime[0] = static_cast<std::int32_t>(t.user_ns / second);
    r.ru_utime[1] = static_cast<std::int32_t>(t.user_ns % second / 1000);
    r.ru_stime[0] = static_cast<std::int32_t>(t.kernel_ns / second);
    r.ru_stime[1] = static_cast<std::int32_t>(t.kernel_ns % second / 1000);
}

void add_counts(abi_rusage &r, Process::Usage const &u)
{
    r.ru_minflt += static_cast<std::int32_t>(u.minor_faults);
    r.ru_majflt += static_cast<std::int32_t>(u.major_faults);
    r.ru_nvcsw += static_cast<std::int32_t>(u.voluntary);
    r.ru_nivcsw += static_cast<std::int32_t>(u.involuntary);
    if (static_cast<std::int32_t>(u.max_rss_kb) > r.ru_maxrss)
        r.ru_maxrss = static_cast<std::int32_t>(u.max_rss_kb);
}

Process::Usage counts_of(Thread const &t)
{
    auto resident = t.memory ? std::uint64_t{t.memory->sizes().resident_pages} * (page_size / 1024) : 0;
    return {t.minor_faults, t.major_faults, t.voluntary_switches, t.involuntary_switches, resident};
}
}  // namespace

abi_rusage usage_of_thread(Thread &t)
{
    abi_rusage r{};
    set_times(r, times_of(t));
    add_counts(r, counts_of(t));
    return r;
}

abi_rusage usage_of_process(Process &p)
{
    abi_rusage r{};
    set_times(r, times_of(p));
    add_counts(r, p.dead_usage);
    for (Thread &t : p.threads)
        if (t.state != ThreadState::zombie)
            add_counts(r, counts_of(t));
    return r;
}

abi_rusage usage_of_children(Process &p)
{
    abi_rusage r{};
    set_times(r, {p.children_user_ns, p.children_kernel_ns});
    add_counts(r, p.children_usage);
    return r;
}

abi_rusage usage_of_reaped(Process &p)
{
    abi_rusage r{};
    auto own = times_of(p);
    set_times(r, {own.user_ns + p.children_user_ns, own.kernel_ns + p.children_kernel_ns});
    add_counts(r, p.dead_usage);
    add_counts(r, p.children_usage);
    return r;
}

namespace {
Result<> sys_getrusage(int who, UserPtr<abi_rusage> out)
{
    Process &self = current_process();
    switch (who) {
    case 0: return out.write(usage_of_process(self));
    case -1: return out.write(usage_of_children(self));
    case 1: return out.write(usage_of_thread(current()));
    }
    return Error::inval;
}
SYSCALL(getrusage, 77, sys_getrusage);

// In units of 1/100 s, USER_HZ.
Result<std::int32_t> sys_times(UserPtr<abi_tms> out)
{
    constexpr std::uint64_t tick_ns = 10'000'000;
    Process &self = current_process();
    auto own = times_of(self);
    auto ticks = [](std::uint64_t ns) { return static_cast<std::int32_t>(ns / tick_ns); };
    abi_tms t{ticks(own.user_ns), ticks(own.kernel_ns), ticks(self.children_user_ns), ticks(self.children_kernel_ns)};
    if (out)
        TRY(out.write(t));
    return ticks(arch::now_ns());
}
SYSCALL(times, 43, sys_times);
}  // namespace
}  // namespace kernel
