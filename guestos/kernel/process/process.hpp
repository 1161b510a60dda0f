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
    Pid id = 0;
    Ref<RefCounted> tty_owner;                 // keeps the controlling terminal alive
    Tty *tty = nullptr;                        // nullptr: none. tty/job_control.cpp writes it
};

struct ProcessGroup : RefCounted {
    Pid id = 0;
    Ref<Session> session;
};

struct ResourceLimit { std::uint64_t soft, hard; };     // RLIM64_INFINITY: none

enum class ThreadState : std::uint8_t { runnable, sleeping, stopped, zombie, dead };

class Thread : public RefCounted {
public:
    Pid tid = 0;
    Ref<Process> process;                      // never null for user threads; null for kernel threads
    Ref<AddressSpace> memory;                  // null for kernel threads
    Ref<FdTable> files;
    Ref<FsContext> fs;
    Credentials credentials;
    SignalState signals;                       // per-thread: mask, pending, alternate stack
    ThreadState state = ThreadState::runnable;
    bool interruptible = false;                // while sleeping: a signal wakes it
    bool need_resched = false;
    char name[16] = {};                        // comm
    arch::ThreadState arch_state{};
    arch::Context *context = nullptr;
    void *kernel_stack = nullptr;              // kernel_stack_bytes
    TrapFrame &user_frame() const;             // at the top of the kernel stack
    Vaddr clear_child_tid{}, robust_list{};
    std::uint32_t robust_list_bytes = 0;
    std::uint64_t user_ns = 0, kernel_ns = 0, start_ns = 0;
    std::uint64_t voluntary_switches = 0, involuntary_switches = 0, minor_faults = 0, major_faults = 0;
    int nice = 0;
    void *scheduler = nullptr;                 // schedule.cpp's own
};
inline constexpr std::uint32_t kernel_stack_bytes = 8192;

class Process : public RefCounted {
public:
    Pid pid = 0;                               // thread group id
    Process *parent = nullptr;                 // init reaps orphans
    Ref<ProcessGroup> group;
    Ref<SignalHandlers> handlers;
    SharedSignalState shared_signals;          // process-directed pending signals, timers
    ResourceLimit limits[16] = {};
    Thread *leader = nullptr;
    unsigned live_threads = 0;
    bool exiting = false, stopped = false, zombie = false, did_exec = false, dumpable = true;
    int exit_status = 0;                       // wait(2)'s encoding
    int exit_signal = 17;                      // SIGCHLD
    std::uint64_t dead_user_ns = 0, dead_kernel_ns = 0, children_user_ns = 0, children_kernel_ns = 0;
    std::uint64_t start_ns = 0;
    WaitQueue child_event;                     // wait4(2) sleeps here
    WaitQueue *vfork_done = nullptr;
    std::uint32_t personality = 0;
    std::int32_t parent_death_signal = 0;
    bool child_subreaper = false;
    void *children = nullptr;                  // process.cpp's own
};

Thread &current();                             // the running thread
inline Process &current_process() { return *current().process; }
Ref<Process> find_process(Pid);                // zombies too; null: no such process
Ref<Thread> find_thread(Pid tid);
// Calls f(context, process) for each process in pid order; f returns false to stop.
void for_each_process(bool (*f)(void *, Process &), void *context);
void for_each_thread(Process &, bool (*f)(void *, Thread &), void *context);

void yield();
void schedule_tick();                          // from the timer: preemption in user mode
Result<Ref<Thread>> start_kernel_thread(char const *name, void (*entry)(void *), void *argument);
[[noreturn]] void exit_thread(int status);
[[noreturn]] void exit_process(int status);    // wait(2)'s encoding
// The first program: opens /dev/console three times, runs `path`. A panic if it cannot be found (names the remedy).
void start_init(char const *path, char const *const *arguments);
// exec.cpp: replaces the program of the running process. Argument strings are copied in before anything is torn down.
struct ExecStrings;
Result<> exec_program(char const *path, ExecStrings &);
bool may_signal(Credentials const &from, Credentials const &to);
}    // namespace kernel
