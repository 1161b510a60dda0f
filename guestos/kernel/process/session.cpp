// SPDX-License-Identifier: MIT
// Process groups and sessions: POSIX 2.2.2, 3.296, 3.343; setpgid(2), setsid(2).
#include <kernel/process/process_table.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
// A process by pid for the get* calls; 0: the caller.
Result<Ref<Process>> process_named(Pid pid)
{
    auto p = pid == 0 ? current().process : find_process(pid);
    if (!p || p->zombie)
        return Error::srch;
    return p;
}

Result<Ref<ProcessGroup>> group_for(Pid id, Process &p)
{
    PidEntry *entry = pid_table().find(id);
    if (entry && entry->group) {
        if (entry->group->session != p.group->session)
            return Error::perm;
        return Ref<ProcessGroup>{entry->group};
    }
    if (id != p.pid)
        return Error::perm;
    return new_group(id, p.group->session);
}

Result<> sys_setpgid(Pid pid, Pid group_id)
{
    Process &self = current_process();
    if (group_id < 0 || pid < 0)
        return Error::inval;
    auto p = pid == 0 ? current().process : find_process(pid);
    if (!p)
        return Error::srch;
    if (p->parent == &self) {
        if (p->group->session != self.group->session)
            return Error::perm;
        if (p->did_exec)
            return Error::acces;
    } else if (p.get() != &self) {
        return Error::srch;
    }
    if (p->group->session->id == p->pid)
        return Error::perm;
    auto group = TRY(group_for(group_id == 0 ? p->pid : group_id, *p));
    arch::IrqGuard guard;
    p->group = group;
    return {};
}
SYSCALL(setpgid, 57, sys_setpgid);

Result<std::int32_t> sys_getpgid(Pid pid) { return TRY(process_named(pid))->group->id; }
SYSCALL(getpgid, 132, sys_getpgid);

Result<std::int32_t> sys_getpgrp() { return current_process().group->id; }
SYSCALL(getpgrp, 65, sys_getpgrp);

Result<std::int32_t> sys_getsid(Pid pid) { return TRY(process_named(pid))->group->session->id; }
SYSCALL(getsid, 147, sys_getsid);

Result<std::int32_t> sys_setsid()
{
    Process &self = current_process();
    PidEntry *entry = pid_table().find(self.pid);
    if (entry->group || entry->session)
        return Error::perm;
    auto group = TRY(new_group(self.pid, TRY(new_session(self.pid))));
    arch::IrqGuard guard;
    self.group = group;
    return self.pid;
}
SYSCALL(setsid, 66, sys_setsid);

Result<std::int32_t> sys_getpid() { return current_process().pid; }
SYSCALL(getpid, 20, sys_getpid);

Result<std::int32_t> sys_gettid() { return current().tid; }
SYSCALL(gettid, 224, sys_gettid);

Result<std::int32_t> sys_getppid()
{
    Process *parent = current_process().parent;
    return parent ? parent->pid : 0;
}
SYSCALL(getppid, 64, sys_getppid);
}  // namespace
}  // namespace kernel
