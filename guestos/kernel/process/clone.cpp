// SPDX-License-Identifier: MIT
#include <abi/process.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/fs/init.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/process/clone.hpp>
#include <kernel/process/process_table.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/process/signal_state.hpp>
#include <kernel/syscall/syscall.hpp>
#include <linux/sched.h>

namespace kernel {
namespace {
constexpr std::uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER
    | CLONE_NEWPID | CLONE_NEWNET | 0x80ull;
constexpr unsigned cap_sys_admin = 21, cap_sys_resource = 24;

Result<> check_flags(CloneRequest const &r)
{
    auto f = r.flags;
    if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
        return Error::inval;
    if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
        return Error::inval;
    if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
        return Error::inval;
    if ((f & CLONE_PARENT) && current_process().is_init())
        return Error::inval;
    if (f & namespaces)
        return current().credentials.has_cap(cap_sys_admin) || (f & CLONE_NEWUSER) ? Error::inval : Error::perm;
    if (f & (CLONE_PIDFD | CLONE_INTO_CGROUP))
        return Error::inval;
    auto const &c = current().credentials;
    auto limit = current_process().limits[limit_nproc].soft;
    if (c.uid != 0 && !c.has_cap(cap_sys_resource) && processes_of_user(c.uid) >= limit)
        return Error::again;
    return {};
}

Result<> share_objects(Thread &child, TrapFrame const &frame, CloneRequest const &r)
{
    Thread &self = current();
    auto const flags = r.flags;
    // Where both go on: their stack, and what the C library keeps of the thread, if it wants the child's number there.
    Vaddr const hot[] = {frame.sp(), flags & CLONE_CHILD_SETTID ? r.child_tid.address() : frame.sp()};
    child.memory = flags & CLONE_VM ? self.memory : TRY(self.memory->fork(hot));
    child.files = flags & CLONE_FILES ? self.files : TRY(self.files->clone());
    child.fs = flags & CLONE_FS ? self.fs : TRY(copy_fs_context(*self.fs));
    return {};
}

Result<Ref<SignalHandlers>> share_handlers(std::uint64_t flags)
{
    auto const &mine = current_process().handlers;
    if (flags & CLONE_SIGHAND)
        return mine;
    auto copy = TRY(make_ref<SignalHandlers>());
    for (unsigned i = 0; i < 64; ++i) {
        copy->action[i] = mine->action[i];
        if ((flags & CLONE_CLEAR_SIGHAND) && copy->action[i].handler != handler_ignore)
            copy->action[i] = {};
    }
    return copy;
}

Result<Ref<Process>> child_process(CloneRequest const &r)
{
    Process &self = current_process();
    auto p = TRY(allocate_process());
    p->handlers = TRY(share_handlers(r.flags));
    p->group = self.group;
    for (unsigned i = 0; i < 16; ++i)
        p->limits[i] = self.limits[i];
    p->exit_signal = r.flags & CLONE_PARENT ? self.exit_signal : r.exit_signal;
    p->personality = self.personality;
    p->dumpable = self.dumpable;
    p->parent = r.flags & CLONE_PARENT && self.parent ? self.parent : &self;
    return p;
}

void copy_thread_state(Thread &child, TrapFrame const &frame, CloneRequest const &r)
{
    Thread &self = current();
    arch::save_fpu(self.arch_state);
    Vaddr stack = child.arch_state.kernel_stack_top;
    child.arch_state = self.arch_state;
    child.arch_state.kernel_stack_top = stack;
    child.credentials = self.credentials;
    child.signals.mask = self.signals.restore_saved_mask ? self.signals.saved_mask : self.signals.mask;
    bool new_stack = (r.flags & CLONE_VM) && !(r.flags & CLONE_VFORK);
    if (!new_stack) {
        child.signals.stack_base = self.signals.stack_base;
        child.signals.stack_bytes = self.signals.stack_bytes;
        child.signals.stack_flags = self.signals.stack_flags;
    }
    __builtin_memcpy(child.name, self.name, sizeof child.name);
    child.nice = self.reset_on_fork && self.nice < 0 ? 0 : self.nice;
    child.policy = self.reset_on_fork ? 0 : self.policy;
    child.rt_priority = self.reset_on_fork ? 0 : self.rt_priority;
    child.timer_slack_ns = self.timer_slack_ns;
    child.sched.key = self.sched.key;
    child.user_frame() = frame;
    child.user_frame().set_call_result(0);
    if (r.stack_top.raw() != 0)
        child.user_frame().set_sp(r.stack_top);
    child.context = arch::fresh_context(&child.user_frame(), enter_user, &child);
}

// Everything of the new thread that can fail, before anyone can see it.
Result<Ref<Thread>> build(TrapFrame const &frame, CloneRequest const &r)
{
    auto child = TRY(allocate_thread());
    TRY(share_objects(*child, frame, r));
    child->process = r.flags & CLONE_THREAD ? current().process : TRY(child_process(r));
    copy_thread_state(*child, frame, r);
    if (r.flags & CLONE_SETTLS)
        TRY(set_tls_slot(*child, UserPtr<abi_user_desc>{r.tls}, false));
    if (r.flags & CLONE_CHILD_CLEARTID)
        child->clear_child_tid = r.child_tid.address();
    return child;
}

// CLONE_CHILD_SETTID: in the child's memory, which may be a copy by now.
void store_child_tid(Thread &child, CloneRequest const &r)
{
    if (r.flags & CLONE_VM)
        (void)r.child_tid.write(child.tid);
    else
        (void)child.memory->write_remote(r.child_tid.address(), &child.tid, sizeof child.tid);
}

void wait_for_vfork(Process &child, WaitQueue &done)
{
    (void)wait_until(
        done, [&] { return child.vfork_done != &done; }, Sleep::killable);
    arch::IrqGuard guard;
    if (child.vfork_done == &done)
        child.vfork_done = nullptr;
}
}  // namespace

void enter_program() { arch::return_to_user(current().user_frame()); }

void enter_user(void *)
{
    finish_switch();
    arch::IrqFlags::enable();
    enter_program();
}

void end_vfork(Process &p)
{
    arch::IrqGuard guard;
    if (auto *done = std::exchange(p.vfork_done, nullptr))
        done->wake_all();
}

Result<std::int32_t> clone_thread(TrapFrame const &frame, CloneRequest const &r)
{
    TRY(check_flags(r));
    // A signal that comes first is handled first: a child that the parent's handler does not know of confuses it. SIGKILL and
    // exec of another thread must not be outrun by new threads.
    if (signal_pending(current()))
        return Error::restart_nointr;
    refill_signal_pool();
    auto child = TRY(patiently([&] { return build(frame, r); }));
    TRY(register_thread(*child, r.wanted_tid));
    Ref<Process> process = child->process;
    WaitQueue vfork_done;
    {
        arch::IrqGuard guard;
        if (!(r.flags & CLONE_THREAD))
            register_process(*process, *child);
        process->threads.push_back(*child);
        ++process->live_threads;
        if (r.flags & CLONE_VFORK)
            process->vfork_done = &vfork_done;
        if (current().must_exit && (r.flags & CLONE_THREAD))
            child->must_exit = true;
    }
    Pid tid = child->tid;
    if (r.flags & CLONE_PARENT_SETTID)
        (void)r.parent_tid.write(tid);
    if (r.flags & CLONE_CHILD_SETTID)
        store_child_tid(*child, r);
    start_thread(*child);
    if (r.flags & CLONE_VFORK)
        wait_for_vfork(*process, vfork_done);
    return tid;
}

namespace {
Result<std::int32_t> sys_fork(TrapFrame &frame)
{
    CloneRequest r;
    r.exit_signal = sig_chld;
    return clone_thread(frame, r);
}
SYSCALL(fork, 2, sys_fork);

Result<std::int32_t> sys_vfork(TrapFrame &frame)
{
    CloneRequest r;
    r.flags = CLONE_VM | CLONE_VFORK;
    r.exit_signal = sig_chld;
    return clone_thread(frame, r);
}
SYSCALL(vfork, 190, sys_vfork);

Result<std::int32_t> sys_clone(std::uint32_t flags, std::uint32_t stack, std::uint32_t parent_tid, std::uint32_t tls,
                               std::uint32_t child_tid, TrapFrame &frame)
{
    CloneRequest r;
    r.flags = flags & ~CSIGNAL;
    r.exit_signal = static_cast<int>(flags & CSIGNAL);
    if (r.exit_signal > last_signal)
        return Error::inval;
    r.stack_top = Vaddr{stack};
    r.parent_tid = UserPtr<std::int32_t>{parent_tid};
    r.child_tid = UserPtr<std::int32_t>{child_tid};
    r.tls = tls;
    return clone_thread(frame, r);
}
SYSCALL(clone, 120, sys_clone);

Result<abi_clone_args> read_clone_args(Vaddr from, std::uint32_t size)
{
    if (size > page_size)
        return Error::too_big;
    if (size < 64)
        return Error::inval;  // CLONE_ARGS_SIZE_VER0
    abi_clone_args a{};
    TRY(copy_in(&a, from, size < sizeof a ? size : sizeof a));
    for (std::uint32_t at = sizeof a; at < size; ++at) {
        char extra;
        TRY(copy_in(&extra, from + at, 1));
        if (extra)
            return Error::too_big;
    }
    return a;
}

Result<std::int32_t> sys_clone3(UserPtr<abi_clone_args> user, std::uint32_t size, TrapFrame &frame)
{
    auto a = TRY(read_clone_args(user.address(), size));
    if ((a.flags & (CLONE_DETACHED | CSIGNAL)) || a.exit_signal > last_signal)
        return Error::inval;
    if ((a.flags & (CLONE_THREAD | CLONE_PARENT)) && a.exit_signal)
        return Error::inval;
    if ((a.stack == 0) != (a.stack_size == 0))
        return Error::inval;
    if (a.stack && (a.stack_size > arch::user_limit.raw() || a.stack > arch::user_limit.raw() - a.stack_size))
        return Error::inval;
    CloneRequest r;
    r.flags = a.flags;
    r.exit_signal = static_cast<int>(a.exit_signal);
    r.stack_top = Vaddr{static_cast<std::uint32_t>(a.stack + a.stack_size)};
    r.parent_tid = UserPtr<std::int32_t>{static_cast<std::uint32_t>(a.parent_tid)};
    r.child_tid = UserPtr<std::int32_t>{static_cast<std::uint32_t>(a.child_tid)};
    r.tls = static_cast<std::uint32_t>(a.tls);
    if (a.set_tid_size > 1 || (a.set_tid == 0) != (a.set_tid_size == 0))
        return Error::inval;
    if (a.set_tid) {
        if (!current().credentials.has_cap(cap_sys_admin))
            return Error::perm;
        r.wanted_tid = TRY(UserPtr<std::int32_t>{static_cast<std::uint32_t>(a.set_tid)}.read());
        if (r.wanted_tid < 1 || r.wanted_tid > PidTable::last)
            return Error::inval;
    }
    return clone_thread(frame, r);
}
SYSCALL(clone3, 435, sys_clone3);

Result<std::int32_t> sys_set_tid_address(std::uint32_t address)
{
    current().clear_child_tid = Vaddr{address};
    return current().tid;
}
SYSCALL(set_tid_address, 258, sys_set_tid_address);
}  // namespace
}  // namespace kernel
