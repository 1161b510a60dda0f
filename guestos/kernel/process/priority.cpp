// SPDX-License-Identifier: MIT
// nice(2), getpriority(2), setpriority(2), ioprio_get(2).
#include <algorithm>
#include <kernel/process/limits.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
constexpr unsigned cap_sys_nice = 23;
constexpr int prio_process = 0, prio_group = 1, prio_user = 2;

// RLIMIT_NICE counts from 20 (nice 0 is 20, -20 is 40).
bool may_lower(Thread const &t, int nice)
{
    if (nice >= t.nice || current().credentials.has_cap(cap_sys_nice))
        return true;
    return static_cast<std::uint64_t>(20 - nice) <= t.process->limits[limit_nice].soft;
}

struct Round {
    int which;
    std::int32_t who;
    Result<> (*act)(Round &, Thread &);
    int value;
    bool any = false;
    Error refusal = Error::none;
};

bool selected(Round const &r, Thread const &t)
{
    switch (r.which) {
    case prio_process: return t.tid == (r.who ? r.who : current().tid);
    case prio_group: return t.process->group->id == (r.who ? r.who : current_process().group->id);
    default: return t.credentials.uid == (r.who ? static_cast<std::uint32_t>(r.who) : current().credentials.uid);
    }
}

Result<> for_selected(Round &r)
{
    if (r.which < prio_process || r.which > prio_user)
        return Error::inval;
    for (PidEntry *e = pid_table().after(0); e; e = pid_table().after(e->number)) {
        if (!e->thread || !e->thread->process || !selected(r, *e->thread))
            continue;
        r.any = true;
        if (auto done = r.act(r, *e->thread); !done.ok())
            r.refusal = done.error();
    }
    if (!r.any)
        return Error::srch;
    return r.refusal == Error::none ? Result<>{} : Result<>{r.refusal};
}

Result<> set_nice(Round &r, Thread &t)
{
    auto const &me = current().credentials;
    if (me.euid != t.credentials.uid && me.euid != t.credentials.euid && !me.has_cap(cap_sys_nice))
        return Error::perm;
    if (!may_lower(t, r.value))
        return Error::acces;
    set_policy(t, t.policy, t.rt_priority, r.value);
    return {};
}

Result<> highest(Round &r, Thread &t)
{
    r.value = std::max(r.value, 20 - t.nice);
    return {};
}

Result<> sys_setpriority(int which, std::int32_t who, int nice)
{
    Round r{which, who, set_nice, std::clamp(nice, -20, 19)};
    return for_selected(r);
}
SYSCALL(setpriority, 97, sys_setpriority);

// 20 - nice, so that no result looks like an error.
Result<std::int32_t> sys_getpriority(int which, std::int32_t who)
{
    Round r{which, who, highest, 0};
    TRY(for_selected(r));
    return r.value;
}
SYSCALL(getpriority, 96, sys_getpriority);

Result<> sys_nice(int increment)
{
    Thread &self = current();
    int nice = std::clamp(self.nice + std::clamp(increment, -40, 40), -20, 19);
    if (!may_lower(self, nice))
        return Error::perm;
    set_policy(self, self.policy, self.rt_priority, nice);
    return {};
}
SYSCALL(nice, 34, sys_nice);

// Disks have no priorities here: the class everybody is in is "best effort", with the level that nice would give.
Result<std::int32_t> sys_ioprio_get(int which, std::int32_t who)
{
    if (which < 1 || which > 3)
        return Error::inval;
    Round r{which - 1, who, highest, 0};
    TRY(for_selected(r));
    return 0;
}
SYSCALL(ioprio_get, 290, sys_ioprio_get);

Result<> sys_ioprio_set(int which, std::int32_t who, std::uint32_t priority)
{
    if (which < 1 || which > 3 || priority >> 13 > 3)
        return Error::inval;
    Round r{which - 1, who, highest, 0};
    return for_selected(r);
}
SYSCALL(ioprio_set, 289, sys_ioprio_set);
}  // namespace
}  // namespace kernel
