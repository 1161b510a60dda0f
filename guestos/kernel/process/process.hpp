// SPDX-License-Identifier: MIT
// Processes and threads.
//
//   Session -- ProcessGroup -- Process -- Thread            each Thread: one kernel stack, one TrapFrame at its top
//      |                          |  `--- AddressSpace, FdTable, FsContext, SignalHandlers: shared by CLONE_* flags
//      `--- controlling Tty       `--- children, zombies
//
// A thread group ("Process") owns what POSIX gives a process; the four shared objects may also be shared between processes
// (clone(2) without CLONE_THREAD). Lookup is by pid over one table; a Pid stays taken while any of thread, group or session
// uses it.
#pragma once
#include <arch/cpu.hpp>
#include <boost/intrusive/list.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/memory/address_space.hpp>
#include <kernel/process/credentials.hpp>
#include <kernel/process/run_queue.hpp>
#include <kernel/process/signal.hpp>
#include <kernel/process/wait.hpp>
#include <kernel/ref.hpp>
#include <kernel/time/timer.hpp>

namespace kernel {
class FdTable;
class Tty;
class Process;
class Thread;
using Pid = std::int32_t;

struct Session : RefCounted {
    ~Session() override;
    Pid id = 0;
    Ref<RefCounted> tty_owner;  // keeps the controlling terminal alive
    Tty *tty = nullptr;         // nullptr: none. tty/job_control.cpp writes it
    Pid hung_up_group = 0;      // the terminal dropped: who is told when the leader exits
};

struct ProcessGroup : RefCounted {
    ~ProcessGroup() override;
    Pid id = 0;
    Ref<Session> session;
};

struct ResourceLimit {
    std::uint64_t soft, hard;
};  // RLIM64_INFINITY: none

enum class ThreadState : std::uint8_t { runnable, sleeping, stopped, zombie, dead };

// What restart_syscall(2) goes on with after a stop or a signal without handler: set by a call that returns
// Error::restart_block, whose remaining time cannot be read from its arguments.
struct RestartBlock {
    Result<std::int32_t> (*resume)(RestartBlock &) = nullptr;  // nullptr: Error::intr
    std::uint32_t argument[5] = {};
    std::uint64_t deadline_ns = arch::no_deadline;
};

struct ThreadListTag;
using ThreadListHook = boost::intrusive::list_base_hook<boost::intrusive::tag<ThreadListTag>,
                                                        boost::intrusive::link_mode<boost::intrusive::normal_link>>;
class Thread : public RefCounted, public ThreadListHook {
public:
    ~Thread() override;
    Pid tid = 0;
    Ref<Process> process;      // never null for user threads; null for kernel threads
    Ref<AddressSpace> memory;  // null for kernel threads
    Ref<FdTable> files;
    Ref<FsContext> fs;
    Credentials credentials;
    SignalState signals;  // per-thread: mask, pending, alternate stack
    ThreadState state = ThreadState::runnable;
    bool interruptible = false;  // while sleeping: a signal wakes it
    bool killable = false;       // while sleeping: SIGKILL wakes it
    bool need_resched = false;
    char name[16] = {};  // comm
    arch::ThreadState arch_state{};
    arch::Context *context = nullptr;
    void *kernel_stack = nullptr;   // kernel_stack_bytes
    TrapFrame &user_frame() const;  // at the top of the kernel stack
    Vaddr clear_child_tid{}, robust_list{};
    std::uint32_t robust_list_bytes = 0;
    std::uint64_t user_ns = 0, kernel_ns = 0, start_ns = 0;
    std::uint64_t voluntary_switches = 0, involuntary_switches = 0, minor_faults = 0, major_faults = 0;
    int nice = 0;
    int policy = 0, rt_priority = 0;  // SCHED_*; 1..99 for FIFO and RR
    bool reset_on_fork = false;       // SCHED_RESET_ON_FORK
    bool serves_write_back = false;   // memory/write_back.hpp
    SchedEntity sched;                // schedule.cpp's own
    bool must_exit = false;           // exit_group or exec of another thread: dies before it reaches ring 3
    bool sampled_in_kernel = false;   // where the last tick found it
    bool in_stop = false;             // counted in Process::threads_stopped
    Error restart = Error::none;      // how the system call just made wants to be restarted
    RestartBlock restart_block;
    std::uint32_t timer_slack_ns = 50000;
};
using ThreadList = boost::intrusive::list<Thread, boost::intrusive::base_hook<ThreadListHook>,
                                          boost::intrusive::constant_time_size<false>>;
inline constexpr std::uint32_t kernel_stack_bytes = 8192;

class Process : public RefCounted {
public:
    Pid pid = 0;                // thread group id
    Process *parent = nullptr;  // init reaps orphans
    Ref<ProcessGroup> group;
    Ref<SignalHandlers> handlers;
    SharedSignalState shared_signals;  // process-directed pending signals, timers
    ResourceLimit limits[16] = {};
    Thread *leader = nullptr;
    unsigned live_threads = 0;
    bool exiting = false, stopped = false, zombie = false, did_exec = false, dumpable = true;
    int exit_status = 0;   // wait(2)'s encoding
    int exit_signal = 17;  // SIGCHLD
    std::uint64_t dead_user_ns = 0, dead_kernel_ns = 0, children_user_ns = 0, children_kernel_ns = 0;
    std::uint64_t start_ns = 0;
    WaitQueue child_event;  // wait4(2) sleeps here
    WaitQueue *vfork_done = nullptr;
    std::uint32_t personality = 0;
    std::int32_t parent_death_signal = 0;
    bool child_subreaper = false;

    ThreadList threads;  // the leader stays until the process is reaped
    Process *first_child = nullptr, *next_sibling = nullptr;
    // Job control: a stop is asked for, each thread counts itself in, the last one tells the parent. signal_stop.cpp
    bool stop_requested = false, stop_unreported = false, continue_unreported = false;
    int stop_signal = 0;
    unsigned threads_stopped = 0;
    Thread *killer = nullptr;                // the thread that execs: the others must_exit
    WaitQueue threads_gone;                  // kill_other_threads() sleeps here
    struct ProcessTimers *timers = nullptr;  // setitimer, timer_create: time/process_timers.hpp
    std::uint64_t cpu_limit_warned_s = 0;    // RLIMIT_CPU: when SIGXCPU was last sent
    // Sums over reaped children and dead threads, for getrusage(2).
    struct Usage {
        std::uint64_t minor_faults = 0, major_faults = 0, voluntary = 0, involuntary = 0, max_rss_kb = 0;
    };
    Usage dead_usage, children_usage;
    bool is_init() const { return pid == 1; }
};
// Limits by RLIMIT_* number; defaults as a Linux distribution has them.
inline constexpr unsigned limit_cpu = 0, limit_fsize = 1, limit_data = 2, limit_stack = 3, limit_core = 4,
                          limit_rss = 5, limit_nproc = 6, limit_nofile = 7, limit_memlock = 8, limit_as = 9,
                          limit_locks = 10, limit_sigpending = 11, limit_msgqueue = 12, limit_nice = 13,
                          limit_rtprio = 14, limit_rttime = 15;
inline constexpr std::uint64_t limit_infinity = ~0ull;

Thread &current();  // the running thread
inline Process &current_process() { return *current().process; }
Ref<Process> find_process(Pid);  // zombies too; null: no such process
Ref<Thread> find_thread(Pid tid);
// Calls f(context, process) for each process in pid order; f returns false to stop.
void for_each_process(bool (*f)(void *, Process &), void *context);
void for_each_thread(Process &, bool (*f)(void *, Thread &), void *context);

void yield();
void schedule_tick();  // from the timer: preemption in user mode
Result<Ref<Thread>> start_kernel_thread(char const *name, void (*entry)(void *), void *argument);
[[noreturn]] void exit_thread(int status);
[[noreturn]] void exit_process(int status);  // wait(2)'s encoding
// exec: ends every other thread of the running process and waits for that; the caller becomes the leader and takes the pid.
// Error::again: another thread got there first (the caller is to return and die).
Result<> kill_other_threads();
// exec, after the new program is in place: ends a vfork, resets what exec resets outside memory and descriptors
// (caught signals to default, alternate stack, robust list, clear_child_tid, POSIX timers, TLS slots).
void exec_done();
unsigned process_count();  // threads, as sysinfo(2) counts them
// exec.cpp: replaces the program of the running process. Argument strings are copied in before anything is torn down.
struct ExecStrings;
Result<> exec_program(char const *path, ExecStrings &);
bool may_signal(Credentials const &from, Credentials const &to);
}  // namespace kernel
