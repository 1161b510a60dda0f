// SPDX-License-Identifier: MIT
// wait4(2), waitpid(2), waitid(2): children that ended, stopped or went on.
#include <kernel/process/process_table.hpp>
#include <kernel/process/signal.hpp>
#include <kernel/process/usage.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
namespace {
enum WaitOption : unsigned {  // linux/wait.h
    w_nohang = 1,
    w_stopped = 2,
    w_exited = 4,
    w_continued = 8,
    w_nowait = 0x0100'0000,
    w_nothread = 0x2000'0000,
    w_all = 0x4000'0000,
    w_clone = 0x8000'0000,
};
struct WaitRequest {
    enum class Which { all, pid, group } which;
    Pid id;
    unsigned options;
};
struct WaitOutcome {
    Pid pid = 0;
    std::uint32_t uid = 0;
    int code = 0, status = 0;  // CLD_*; wait(2)'s encoding
    abi_rusage usage{};
};
enum class Scan { nobody, nothing_yet, found };

bool eligible(Process const &child, WaitRequest const &r)
{
    if (r.which == WaitRequest::Which::pid && child.pid != r.id)
        return false;
    if (r.which == WaitRequest::Which::group && child.group->id != r.id)
        return false;
    if (r.options & w_all)
        return true;
    return (child.exit_signal != sig_chld) == ((r.options & w_clone) != 0);
}

bool has_news(Process &child, WaitRequest const &r, WaitOutcome &out)
{
    bool keep = (r.options & w_nowait) != 0;
    if (child.zombie) {
        if (!(r.options & w_exited))
            return false;
        out.status = child.exit_status;
        out.code = (out.status & 0x7f) == 0 ? cld_exited : out.status & 0x80 ? cld_dumped : cld_killed;
    } else if (child.stop_unreported && (r.options & w_stopped)) {
        out.status = child.stop_signal << 8 | 0x7f;
        out.code = cld_stopped;
        child.stop_unreported = keep;
    } else if (child.continue_unreported && (r.options & w_continued)) {
        out.status = 0xffff;
        out.code = cld_continued;
        child.continue_unreported = keep;
    } else {
        return false;
    }
    out.pid = child.pid;
    out.uid = child.leader ? child.leader->credentials.uid : 0;
    return true;
}

Scan scan(Process &parent, WaitRequest const &r, Process *&found, WaitOutcome &out)
{
    bool any = false;
    for (Process *child = parent.first_child; child; child = child->next_sibling) {
        if (!eligible(*child, r))
            continue;
        any = true;
        if (!has_news(*child, r, out))
            continue;
        found = child;
        return Scan::found;
    }
    return any ? Scan::nothing_yet : Scan::nobody;
}

// pid 0 in the outcome: WNOHANG, and nothing has happened.
Result<WaitOutcome> wait_for_child(WaitRequest const &r)
{
    Process &self = current_process();
    WaitOutcome out;
    Process *found = nullptr;
    Scan seen = Scan::nobody;
    auto done = [&] { return (seen = scan(self, r, found, out)) != Scan::nothing_yet || (r.options & w_nohang); };
    TRY(wait_until(self.child_event, done));
    if (seen == Scan::nobody)
        return Error::child;
    if (seen == Scan::nothing_yet)
        return WaitOutcome{};
    out.usage = usage_of_reaped(*found);
    if (found->zombie && !(r.options & w_nowait))
        reap(*found);
    return out;
}

Result<std::int32_t> sys_wait4(Pid pid, UserPtr<std::int32_t> status, unsigned options, UserPtr<abi_rusage> usage)
{
    if (options & ~(w_nohang | w_stopped | w_continued | w_nothread | w_all | w_clone))
        return Error::inval;
    if (pid == static_cast<Pid>(0x8000'0000))
        return Error::srch;
    WaitRequest r{WaitRequest::Which::all, 0, options | w_exited};
    if (pid > 0)
        r = {WaitRequest::Which::pid, pid, r.options};
    if (pid == 0)
        r = {WaitRequest::Which::group, current_process().group->id, r.options};
    if (pid < -1)
        r = {WaitRequest::Which::group, -pid, r.options};
    auto out = TRY(wait_for_child(r));
    if (out.pid == 0)
        return 0;
    if (status)
        TRY(status.write(out.status));
    if (usage)
        TRY(usage.write(out.usage));
    return out.pid;
}
SYSCALL(wait4, 114, sys_wait4);

Result<std::int32_t> sys_waitpid(Pid pid, UserPtr<std::int32_t> status, unsigned options)
{
    return sys_wait4(pid, status, options, {});
}
SYSCALL(waitpid, 7, sys_waitpid);

Result<std::int32_t> sys_waitid(int which, Pid id, UserPtr<SignalInfo> info, unsigned options, UserPtr<abi_rusage> usage)
{
    if (options & ~(w_nohang | w_stopped | w_exited | w_continued | w_nowait | w_nothread | w_all | w_clone))
        return Error::inval;
    if (!(options & (w_stopped | w_exited | w_continued)))
        return Error::inval;
    WaitRequest r{WaitRequest::Which::all, id, options};
    switch (which) {
    case 0: break;  // P_ALL
    case 1:         // P_PID
        if (id <= 0)
            return Error::inval;
        r.which = WaitRequest::Which::pid;
        break;
    case 2:  // P_PGID; 0: the caller's
        if (id < 0)
            return Error::inval;
        r.which = WaitRequest::Which::group;
        if (id == 0)
            r.id = current_process().group->id;
        break;
    default: return Error::inval;
    }
    auto out = TRY(wait_for_child(r));
    SignalInfo si;
    if (out.pid != 0) {
        si.signo = sig_chld;
        si.code = out.code;
        si.child.pid = out.pid;
        si.child.uid = out.uid;
        si.child.status = out.code == cld_exited || out.code == cld_stopped ? out.status >> 8 & 0xff
            : out.code == cld_continued                                     ? sig_cont
                                                                            : out.status & 0x7f;
    }
    if (info)
        TRY(copy_out(info.address(), &si, 24));  // up to si_status
    if (usage && out.pid != 0)
        TRY(usage.write(out.usage));
    return 0;
}
SYSCALL(waitid, 284, sys_waitid);
}  // namespace
}  // namespace kernel
