// SPDX-License-Identifier: MIT
// Making and unmaking processes: for clone, exit, wait and the first program.
#pragma once
#include <kernel/process/pid_table.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
Result<Ref<Thread>> allocate_thread();               // with a kernel stack; no pid yet
Result<Ref<Process>> allocate_process();             // not in the table yet
Result<> register_thread(Thread &, Pid wanted = 0);  // gives it a tid
void register_process(Process &, Thread &leader);    // under its leader's tid; becomes a child of process.parent
void unregister_thread(Thread &);
void reap(Process &);  // out of table and family; accounts it to its parent
void add_child(Process &parent, Process &child);
void remove_child(Process &child);
Result<Ref<ProcessGroup>> new_group(Pid id, Ref<Session>);
Result<Ref<Session>> new_session(Pid id);
bool reaped_by_itself(Process &parent);  // exit.cpp: it wants no zombies
unsigned processes_of_user(std::uint32_t uid);
void charge_running();  // schedule.cpp: the running thread's times are exact now
// A function as a program's first code: a fresh thread comes out of schedule() here and goes on to ring 3.
void enter_user(void *thread);
[[noreturn]] void go_to_user(Thread &);  // on its stack, with its user frame complete
[[noreturn]] void enter_program();       // the rest of it: to ring 3 with user_frame()

}  // namespace kernel
