// SPDX-License-Identifier: MIT
// Job control: stopping and continuing whole processes, and telling the parent.
//
//   SIGTSTP … delivered to one thread -> request_stop(): the others are woken out of their sleeps
//   each thread, on its way to ring 3 -> stop_if_requested(): counts itself in and waits
//   the last one                      -> notify_parent(CLD_STOPPED)
//   SIGCONT sent                      -> continue_process(): all go on, notify_parent(CLD_CONTINUED)
#include <kernel/process/pid_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/signal_state.hpp>

namespace kernel {
namespace {
void all_stopped(Process &p)
{
    if (p.stopped || !p.stop_requested || p.live_threads == 0 || p.threads_stopped < p.live_threads)
        return;
    p.stopped = true;
    p.stop_unreported = true;
    p.continue_unreported = false;
    notify_parent(p, cld_stopped);
}
}  // namespace

void request_stop(Process &p, int signo)
{
    arch::IrqGuard guard;
    if (p.exiting || p.stop_requested)
        return;
    p.stop_requested = true;
    p.stop_signal = signo;
    for (Thread &t : p.threads)
        if (t.interruptible)
            wake(t);
}

void stop_if_requested(Thread &self)
{
    arch::IrqGuard guard;
    Process &p = *self.process;
    while (p.stop_requested && !self.must_exit) {
        if (!self.in_stop) {
            self.in_stop = true;
            ++p.threads_stopped;
        }
        all_stopped(p);
        self.state = ThreadState::stopped;
        schedule();
    }
    if (self.in_stop) {
        self.in_stop = false;
        if (p.threads_stopped > 0)
            --p.threads_stopped;
    }
}

void thread_leaves_stop(Process &p)
{
    arch::IrqGuard guard;
    all_stopped(p);
}

void continue_process(Process &p)
{
    arch::IrqGuard guard;
    if (!p.stop_requested)
        return;
    bool was_stopped = p.stopped;
    p.stop_requested = p.stopped = p.stop_unreported = false;
    p.threads_stopped = 0;
    for (Thread &t : p.threads) {
        t.in_stop = false;
        wake_from_stop(t);
    }
    if (!was_stopped)
        return;
    p.continue_unreported = true;
    notify_parent(p, cld_continued);
}

void notify_parent(Process &p, int cld_code)
{
    arch::IrqGuard guard;
    Process *parent = p.parent;
    if (!parent || !parent->handlers)
        return;
    SignalAction const &action = parent->handlers->action[sig_chld - 1];
    bool about_stop = cld_code == cld_stopped || cld_code == cld_continued;
    int signo = about_stop ? sig_chld : p.exit_signal;
    if (signo != 0 && !(about_stop && (action.flags & sa_nocldstop))) {
        constexpr std::uint64_t tick_ns = 10'000'000;  // clock_t
        SignalInfo info;
        info.signo = signo;
        info.code = cld_code;
        info.child.pid = p.pid;
        info.child.uid = p.leader ? p.leader->credentials.uid : 0;
        info.child.status = cld_code == cld_exited ? p.exit_status >> 8 & 0xff
            : cld_code == cld_stopped              ? p.stop_signal
            : cld_code == cld_continued            ? sig_cont
                                                   : p.exit_status & 0x7f;
        info.child.utime = static_cast<std::int32_t>(p.dead_user_ns / tick_ns);
        info.child.stime = static_cast<std::int32_t>(p.dead_kernel_ns / tick_ns);
        (void)send_signal_from(*parent, nullptr, info);
    }
    parent->child_event.wake_all();
}

// POSIX 3.259: no member has a parent in another group of the same session. `without`: counted as gone already.
bool is_orphaned(ProcessGroup const &group, Process const *without)
{
    arch::IrqGuard guard;
    for (PidEntry *e = pid_table().after(0); e; e = pid_table().after(e->number)) {
        Process *p = e->process;
        if (!p || p == without || p->group.get() != &group || p->zombie)
            continue;
        Process *parent = p->parent;
        if (parent && !parent->is_init() && parent->group && parent->group.get() != &group
            && parent->group->session == group.session)
            return false;
    }
    return true;
}

bool has_stopped_member(ProcessGroup const &group)
{
    arch::IrqGuard guard;
    for (PidEntry *e = pid_table().after(0); e; e = pid_table().after(e->number))
        if (e->process && e->process->group.get() == &group && e->process->stopped)
            return true;
    return false;
}
}  // namespace kernel
