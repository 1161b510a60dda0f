// SPDX-License-Identifier: MIT
// Sending signals by number: kill(2), tgkill(2), rt_sigqueueinfo(2).
#include <kernel/process/process_table.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
Result<> check_and_send(Process &p, Thread *thread, int signo, SignalInfo const &info)
{
    if (!may_send(current().credentials, p, signo))
        return Error::perm;
    if (signo == 0)
        return {};
    refill_signal_pool();
    return send_signal_from(p, thread, info);
}

// To many: success if it could be sent to one, else the last refusal, kill(2).
template <class Wanted>
Result<> send_to_each(int signo, Wanted wanted)
{
    struct Round {
        int signo;
        Wanted *wanted;
        bool any, sent;
        Error refusal;
    } round{signo, &wanted, false, false, Error::perm};
    for_each_process(
        [](void *context, Process &p) {
            auto &r = *static_cast<Round *>(context);
            if (!(*r.wanted)(p))
                return true;
            r.any = true;
            auto sent = check_and_send(p, nullptr, r.signo, SignalInfo::user(r.signo));
            if (sent.ok())
                r.sent = true;
            else
                r.refusal = sent.error();
            return true;
        },
        &round);
    if (!round.any)
        return Error::srch;
    return round.sent ? Result<>{} : Result<>{round.refusal};
}

bool valid(int signo) { return signo >= 0 && signo <= last_signal; }

Result<> sys_kill(Pid pid, int signo)
{
    if (!valid(signo))
        return Error::inval;
    if (pid > 0) {
        auto p = find_process(pid);
        if (!p) {
            auto t = find_thread(pid);  // any thread's id names its process
            if (t)
                p = t->process;
        }
        if (!p)
            return Error::srch;
        return check_and_send(*p, nullptr, signo, SignalInfo::user(signo));
    }
    if (pid == -1) {
        Process *self = &current_process();
        return send_to_each(signo, [self](Process &p) { return !p.is_init() && &p != self; });
    }
    if (pid == static_cast<Pid>(0x8000'0000))
        return Error::srch;
    Pid group = pid == 0 ? current_process().group->id : -pid;
    return send_to_each(signo, [group](Process &p) { return p.group->id == group; });
}
SYSCALL(kill, 37, sys_kill);

Result<> send_to_thread(Pid group, Pid tid, int signo, SignalInfo const &info)
{
    auto t = find_thread(tid);
    if (!t || !t->process || (group != 0 && t->process->pid != group))
        return Error::srch;
    return check_and_send(*t->process, t.get(), signo, info);
}

SignalInfo tkill_info(int signo)
{
    SignalInfo info = SignalInfo::user(signo);
    info.code = si_tkill;
    return info;
}

Result<> sys_tgkill(Pid group, Pid tid, int signo)
{
    if (group <= 0 || tid <= 0 || !valid(signo))
        return Error::inval;
    return send_to_thread(group, tid, signo, tkill_info(signo));
}
SYSCALL(tgkill, 270, sys_tgkill);

Result<> sys_tkill(Pid tid, int signo)
{
    if (tid <= 0 || !valid(signo))
        return Error::inval;
    return send_to_thread(0, tid, signo, tkill_info(signo));
}
SYSCALL(tkill, 238, sys_tkill);

// Only to oneself may a program pretend that the kernel or kill(2) sent it.
Result<SignalInfo> read_info(UserPtr<SignalInfo> in, int signo, bool to_self)
{
    auto info = TRY(in.read());
    info.signo = signo;
    if ((info.code >= 0 || info.code == si_tkill) && !to_self)
        return Error::perm;
    return info;
}

Result<> sys_rt_sigqueueinfo(Pid pid, int signo, UserPtr<SignalInfo> in)
{
    auto info = TRY(read_info(in, signo, pid == current_process().pid));
    if (!valid(signo))
        return Error::inval;
    auto p = find_process(pid);
    if (!p)
        return Error::srch;
    return check_and_send(*p, nullptr, signo, info);
}
SYSCALL(rt_sigqueueinfo, 178, sys_rt_sigqueueinfo);

Result<> sys_rt_tgsigqueueinfo(Pid group, Pid tid, int signo, UserPtr<SignalInfo> in)
{
    if (group <= 0 || tid <= 0)
        return Error::inval;
    auto info = TRY(read_info(in, signo, tid == current().tid));
    if (!valid(signo))
        return Error::inval;
    return send_to_thread(group, tid, signo, info);
}
SYSCALL(rt_tgsigqueueinfo, 335, sys_rt_tgsigqueueinfo);
}  // namespace
}  // namespace kernel
