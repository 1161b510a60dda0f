// SPDX-License-Identifier: MIT
// The end of threads and processes.
//
//   exit(2)         -> exit_thread()                          the last thread to go ends the process
//   exit_group(2), a fatal signal -> begin_group_exit(): each other thread dies on its way to ring 3
//
// A dead process stays as a zombie (its Process and its leader's Thread, without memory and files) until it is reaped.
#include <kernel/fs/fd_table.hpp>
#include <kernel/log.hpp>
#include <kernel/process/clone.hpp>
#include <kernel/process/futex.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/syscall/syscall.hpp>
#include <kernel/time/process_timers.hpp>
#include <kernel/tty/job_control.hpp>

namespace kernel {
namespace {
// pthread_join waits for this word: clone(2), CLONE_CHILD_CLEARTID.
void clear_tid(Thread &self)
{
    Vaddr word = std::exchange(self.clear_child_tid, Vaddr{});
    if (word.raw() == 0)
        return;
    std::int32_t zero = 0;
    if (copy_out(word, &zero, sizeof zero).ok())
        wake_futex(word, 1);
}

void leave_memory(Thread &self)
{
    leave_robust_list(self);
    clear_tid(self);
    auto resident = std::uint64_t{self.memory->mapped_pages()} * (page_size / 1024);
    auto &usage = self.process->dead_usage;
    if (resident > usage.max_rss_kb)
        usage.max_rss_kb = resident;
    if (self.process->leader == &self || self.process->live_threads == 1)
        end_vfork(*self.process);
    self.memory = nullptr;
}

void fold_usage(Process &p, Thread const &t)
{
    p.dead_user_ns += t.user_ns;
    p.dead_kernel_ns += t.kernel_ns;
    p.dead_usage.minor_faults += t.minor_faults;
    p.dead_usage.major_faults += t.major_faults;
    p.dead_usage.voluntary += t.voluntary_switches;
    p.dead_usage.involuntary += t.involuntary_switches;
}

Process &new_parent_of_orphans(Process &dying)
{
    for (Process *p = dying.parent; p; p = p->parent)
        if (p->child_subreaper && !p->exiting && !p->zombie)
            return *p;
    Process *init = find_process(1).get();
    ASSERT(init != nullptr);
    return *init;
}

void hang_up_if_orphaned(ProcessGroup &group, Process const *without)
{
    if (!is_orphaned(group, without) || !has_stopped_member(group))
        return;
    send_signal(group, SignalInfo::kernel(sig_hup));
    send_signal(group, SignalInfo::kernel(sig_cont));
}

void give_children_away(Process &dying)
{
    if (!dying.first_child)
        return;
    Process &heir = new_parent_of_orphans(dying);
    while (Process *child = dying.first_child) {
        remove_child(*child);
        add_child(heir, *child);
        if (child->parent_death_signal)
            (void)send_signal(*child, SignalInfo::user(child->parent_death_signal));
        child->exit_signal = sig_chld;
        if (child->group != dying.group && child->group->session == dying.group->session)
            hang_up_if_orphaned(*child->group, nullptr);
        if (!child->zombie)
            continue;
        if (reaped_by_itself(heir))
            reap(*child);
        else
            notify_parent(*child, cld_exited);
    }
}

void leave_group(Process &dying)
{
    Process *parent = dying.parent;
    if (parent && parent->group != dying.group && parent->group->session == dying.group->session)
        hang_up_if_orphaned(*dying.group, &dying);
}

// The last thread of the process, without memory and files by now.
void end_process(Process &p)
{
    p.exiting = true;
    if (p.is_init())
        panic("init has ended with status %x: there is nothing left to run", p.exit_status);
    drop_process_timers(p);
    give_children_away(p);
    leave_group(p);
    discard_queued(p.shared_signals.pending, ~0ull);
    arch::IrqGuard guard;
    p.zombie = true;
    p.stopped = p.stop_requested = p.stop_unreported = p.continue_unreported = false;
    int status = p.exit_status;
    notify_parent(p, (status & 0x7f) == 0 ? cld_exited : status & 0x80 ? cld_dumped : cld_killed);
    p.shared_signals.arrived.wake_all();
    if (p.parent && p.exit_signal == sig_chld && reaped_by_itself(*p.parent)) {
        WaitQueue &parent_waits = p.parent->child_event;
        reap(p);
        parent_waits.wake_all();
    }
}
}  // namespace

// POSIX, sigaction(): a parent that ignores SIGCHLD or has SA_NOCLDWAIT gets no zombies.
bool reaped_by_itself(Process &parent)
{
    SignalAction const &a = parent.handlers->action[sig_chld - 1];
    return a.handler == handler_ignore || (a.flags & sa_nocldwait);
}

void exit_thread(int status)
{
    Thread &self = current();
    Ref<Process> keep = self.process;
    Process &p = *keep;
    if (!p.exiting && (p.leader == &self || p.live_threads == 1) && !p.killer)
        p.exit_status = status;
    leave_memory(self);
    if (p.live_threads == 1 && p.group->session->id == p.pid)
        session_leader_exits(p);
    self.files = nullptr;
    self.fs = nullptr;
    forget_thread_timers(self);

    arch::IrqFlags::disable();
    charge_running();
    discard_queued(self.signals.pending, ~0ull);
    fold_usage(p, self);
    bool last = --p.live_threads == 0;
    if (self.in_stop && p.threads_stopped > 0)
        --p.threads_stopped;
    if (!last)
        thread_leaves_stop(p);
    arch::IrqFlags::enable();
    if (last)
        end_process(p);

    arch::IrqFlags::disable();
    self.state = ThreadState::zombie;
    if (p.leader != &self && self.tid != p.pid) {
        self.state = ThreadState::dead;
        p.threads.erase(p.threads.iterator_to(self));
        unregister_thread(self);
    }
    p.threads_gone.wake_all();
    keep = nullptr;  // the Thread has one more, until finish_switch() lets go of it
    schedule();
    panic("a dead thread runs");
}

void exit_process(int status)
{
    begin_group_exit(current_process(), status);
    exit_thread(current_process().exit_status);
}

namespace {
// The pid belongs to the program, so the thread that goes on takes it from the old leader.
void become_leader(Process &p, Thread &self)
{
    Thread *old = p.leader;
    if (old == &self)
        return;
    arch::IrqGuard guard;
    p.threads.erase(p.threads.iterator_to(*old));
    PidEntry *mine = pid_table().find(self.tid), *wanted = pid_table().find(p.pid);
    std::swap(mine->thread, wanted->thread);
    std::swap(self.tid, old->tid);
    p.leader = &self;
    unregister_thread(*old);
}
}  // namespace

Result<> kill_other_threads()
{
    Thread &self = current();
    Process &p = *self.process;
    {
        arch::IrqGuard guard;
        if (p.exiting || p.killer || self.must_exit)
            return Error::again;
        p.killer = &self;
        for (Thread &t : p.threads) {
            if (&t == &self || t.state == ThreadState::zombie)
                continue;
            t.must_exit = true;
            wake_from_stop(t);
            if (t.killable)
                wake(t);
        }
    }
    (void)wait_until(
        p.threads_gone, [&] { return p.live_threads == 1; }, Sleep::uninterruptible);
    become_leader(p, self);
    p.killer = nullptr;
    return {};
}

void exec_done()
{
    Thread &self = current();
    Process &p = *self.process;
    if (p.handlers->use_count() > 1) {
        if (auto own = make_ref<SignalHandlers>(); own.ok()) {
            for (unsigned i = 0; i < 64; ++i)
                own.value()->action[i] = p.handlers->action[i];
            p.handlers = own.take();
        }
    }
    for (auto &a : p.handlers->action) {
        bool ignored = a.handler == handler_ignore;
        a = {};
        if (ignored)
            a.handler = handler_ignore;
    }
    self.signals.stack_base = self.signals.stack_bytes = 0;
    self.signals.stack_flags = 2;
    self.clear_child_tid = self.robust_list = Vaddr{};
    self.robust_list_bytes = 0;
    self.restart_block = {};
    self.reset_on_fork = false;
    for (auto &d : self.arch_state.tls.descriptor)
        d = 0;
    arch::update_tls(self.arch_state);
    self.arch_state.fpu_used = false;
    arch::discard_fpu(self.arch_state);
    drop_posix_timers(p);
    p.exit_signal = sig_chld;
    p.did_exec = true;
    end_vfork(p);
}

namespace {
Result<std::int32_t> sys_exit(int status) { exit_thread((status & 0xff) << 8); }
SYSCALL(exit, 1, sys_exit);

Result<std::int32_t> sys_exit_group(int status) { exit_process((status & 0xff) << 8); }
SYSCALL(exit_group, 252, sys_exit_group);
}  // namespace
}  // namespace kernel
