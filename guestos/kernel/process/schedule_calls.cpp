// SPDX-License-Identifier: MIT
// sched(7): policies, real-time priorities, affinity (to the one processor there is).
#include <abi/process.h>
#include <abi/time.h>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/clock.hpp>

namespace kernel {
namespace {
constexpr unsigned cap_sys_nice = 23;
constexpr int sched_other = 0, sched_fifo = 1, sched_rr = 2, sched_batch = 3, sched_idle = 5,
              reset_on_fork_flag = 0x4000'0000;

bool is_policy(int p)
{
    return p == sched_other || p == sched_fifo || p == sched_rr || p == sched_batch || p == sched_idle;
}
bool is_real_time(int p) { return p == sched_fifo || p == sched_rr; }

Result<Ref<Thread>> thread_named(Pid tid)
{
    if (tid < 0)
        return Error::inval;
    auto t = tid == 0 ? Ref<Thread>{&current()} : find_thread(tid);
    if (!t || !t->process)
        return Error::srch;
    return t;
}

Result<> may_schedule(Thread const &t)
{
    auto const &me = current().credentials;
    bool own = me.euid == t.credentials.uid || me.euid == t.credentials.euid;
    return own || me.has_cap(cap_sys_nice) ? Result<>{} : Result<>{Error::perm};
}

Result<> change(Thread &t, int policy, int priority, int nice, bool reset)
{
    if (!is_policy(policy))
        return Error::inval;
    if (is_real_time(policy) ? priority < 1 || priority > 99 : priority != 0)
        return Error::inval;
    TRY(may_schedule(t));
    bool privileged = current().credentials.has_cap(cap_sys_nice);
    if (!privileged && is_real_time(policy)) {
        auto limit = t.process->limits[limit_rtprio].soft;
        if (limit == 0 || static_cast<std::uint64_t>(priority) > limit)
            return Error::perm;
    }
    if (!privileged && t.reset_on_fork && !reset)
        return Error::perm;
    t.reset_on_fork = reset;
    set_policy(t, policy, priority, nice);
    return {};
}

Result<> sys_sched_setscheduler(Pid tid, int policy, UserPtr<abi_sched_param> in)
{
    if (policy < 0)
        return Error::inval;
    int priority = TRY(in.read()).sched_priority;
    auto t = TRY(thread_named(tid));
    return change(*t, policy & ~reset_on_fork_flag, priority, t->nice, (policy & reset_on_fork_flag) != 0);
}
SYSCALL(sched_setscheduler, 156, sys_sched_setscheduler);

Result<std::int32_t> sys_sched_getscheduler(Pid tid)
{
    auto t = TRY(thread_named(tid));
    return t->policy | (t->reset_on_fork ? reset_on_fork_flag : 0);
}
SYSCALL(sched_getscheduler, 157, sys_sched_getscheduler);

Result<> sys_sched_setparam(Pid tid, UserPtr<abi_sched_param> in)
{
    int priority = TRY(in.read()).sched_priority;
    auto t = TRY(thread_named(tid));
    return change(*t, t->policy, priority, t->nice, t->reset_on_fork);
}
SYSCALL(sched_setparam, 154, sys_sched_setparam);

Result<> sys_sched_getparam(Pid tid, UserPtr<abi_sched_param> out)
{
    return out.write({TRY(thread_named(tid))->rt_priority});
}
SYSCALL(sched_getparam, 155, sys_sched_getparam);

Result<> sys_sched_setattr(Pid tid, UserPtr<abi_sched_attr> in, std::uint32_t flags)
{
    constexpr std::uint32_t first_version = 48;
    if (flags)
        return Error::inval;
    std::uint32_t size = TRY(in.as<std::uint32_t>().read());
    if (size == 0)
        size = first_version;
    if (size < first_version || size > page_size)
        return Error::too_big;
    abi_sched_attr a{};
    TRY(copy_in(&a, in.address(), size < sizeof a ? size : sizeof a));
    auto t = TRY(thread_named(tid));
    int policy = static_cast<int>(a.sched_policy);
    if (a.sched_nice < -20 || a.sched_nice > 19)
        return Error::inval;
    int nice = is_real_time(policy) ? t->nice : a.sched_nice;
    if (nice < t->nice && !current().credentials.has_cap(cap_sys_nice))
        return Error::perm;
    return change(*t, policy, static_cast<int>(a.sched_priority), nice, (a.sched_flags & 1) != 0);
}
SYSCALL(sched_setattr, 351, sys_sched_setattr);

Result<> sys_sched_getattr(Pid tid, UserPtr<abi_sched_attr> out, std::uint32_t size, std::uint32_t flags)
{
    constexpr std::uint32_t first_version = 48;
    if (flags || size < first_version || size > page_size)
        return Error::inval;
    auto t = TRY(thread_named(tid));
    abi_sched_attr a{};
    a.size = size < sizeof a ? size : sizeof a;
    a.sched_policy = static_cast<std::uint32_t>(t->policy);
    a.sched_flags = t->reset_on_fork;
    a.sched_nice = is_real_time(t->policy) ? 0 : t->nice;
    a.sched_priority = static_cast<std::uint32_t>(t->rt_priority);
    a.sched_util_max = 1024;
    return copy_out(out.address(), &a, a.size);
}
SYSCALL(sched_getattr, 352, sys_sched_getattr);

Result<> sys_sched_yield()
{
    current().need_resched = false;  // given up, not taken away: the thread goes behind the others
    schedule();
    return {};
}
SYSCALL(sched_yield, 158, sys_sched_yield);

Result<std::int32_t> priority_bound(int policy, std::int32_t real_time)
{
    if (!is_policy(policy))
        return Error::inval;
    return is_real_time(policy) ? real_time : 0;
}
Result<std::int32_t> sys_sched_get_priority_max(int policy) { return priority_bound(policy, 99); }
SYSCALL(sched_get_priority_max, 159, sys_sched_get_priority_max);
Result<std::int32_t> sys_sched_get_priority_min(int policy) { return priority_bound(policy, 1); }
SYSCALL(sched_get_priority_min, 160, sys_sched_get_priority_min);

template <class TimeSpec>
Result<> rr_interval(Pid tid, UserPtr<TimeSpec> out)
{
    auto t = TRY(thread_named(tid));
    return out.write(to_timespec<TimeSpec>(t->policy == sched_fifo ? 0 : RunQueue::slice_ns));
}
SYSCALL(sched_rr_get_interval, 161, rr_interval<abi_timespec32>);
SYSCALL(sched_rr_get_interval_time64, 423, rr_interval<abi_timespec64>);

// A mask of one processor, in as many words as the caller has; the kernel's own is one word.
Result<std::int32_t> sys_sched_getaffinity(Pid tid, std::uint32_t bytes, UserPtr<std::uint32_t> out)
{
    if (bytes < 4 || bytes % 4)
        return Error::inval;
    TRY(thread_named(tid));
    TRY(out.write(1u));
    return 4;
}
SYSCALL(sched_getaffinity, 242, sys_sched_getaffinity);

Result<> sys_sched_setaffinity(Pid tid, std::uint32_t bytes, UserPtr<std::uint8_t> in)
{
    auto t = TRY(thread_named(tid));
    std::uint8_t first = bytes ? TRY(in.read()) : std::uint8_t{0};
    TRY(may_schedule(*t));
    return first & 1 ? Result<>{} : Result<>{Error::inval};
}
SYSCALL(sched_setaffinity, 241, sys_sched_setaffinity);

Result<> sys_getcpu(UserPtr<std::uint32_t> cpu, UserPtr<std::uint32_t> node)
{
    if (cpu)
        TRY(cpu.write(0u));
    if (node)
        TRY(node.write(0u));
    return {};
}
SYSCALL(getcpu, 318, sys_getcpu);

// With one processor, every switch orders memory for everybody: registering and asking for a barrier are both done at once.
Result<std::int32_t> sys_membarrier(int command, std::uint32_t flags)
{
    constexpr int query = 0, global = 1, known = 0x1f;  // up to REGISTER_PRIVATE_EXPEDITED
    if (flags)
        return Error::inval;
    if (command == query)
        return known;
    bool one_known_bit = command >= global && command <= known && (command & (command - 1)) == 0;
    return one_known_bit ? Result<std::int32_t>{0} : Result<std::int32_t>{Error::inval};
}
SYSCALL(membarrier, 375, sys_membarrier);
}  // namespace
}  // namespace kernel
