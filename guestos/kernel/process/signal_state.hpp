// SPDX-License-Identifier: MIT
// What the signal files of this folder share.
#pragma once
#include <kernel/process/process.hpp>
#include <kernel/process/signal_queue.hpp>

namespace kernel {
enum class DefaultAction { terminate, core, stop, ignore };
DefaultAction default_action(int signo);

// Sends to `thread`, or to any thread of the process if null. Error::again: a real-time signal that finds no room and must not
// lose its value (sigqueue).
Result<> send_signal_from(Process &, Thread *thread, SignalInfo const &, QueuedSignal *own = nullptr);
bool may_send(Credentials const &sender, Process &target, int signo);  // kill(2)'s permissions

// Ends all threads: each dies before it reaches ring 3 again. Interrupts off or process context.
void begin_group_exit(Process &, int status);

void stop_if_requested(Thread &self);  // signal_stop.cpp: returns when continued
void request_stop(Process &, int signo);
void continue_process(Process &);
void thread_leaves_stop(Process &);  // a thread died: those that are left may all have stopped
bool is_orphaned(ProcessGroup const &, Process const *without = nullptr);
bool has_stopped_member(ProcessGroup const &);
void notify_parent(Process &, int cld_code);  // SIGCHLD (or exit_signal) and wait(2)
void deliver_signals(TrapFrame &, Thread &);
}  // namespace kernel
