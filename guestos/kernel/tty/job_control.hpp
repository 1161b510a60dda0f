// SPDX-License-Identifier: MIT
// Sessions, foreground and background: credentials(7), "Sessions"; POSIX.1 General Terminal Interface.
#pragma once
#include <kernel/process/process.hpp>

namespace kernel {
class Tty;

// The controlling terminal of the running process, or nullptr.
Tty *controlling_tty();
// May the running process read (SIGTTIN) or change (SIGTTOU) this terminal now? Error::restart_sys: its group was stopped;
// Error::io: it may not, and nobody could continue it.
Result<> check_background(Tty &, int signo);
// Makes `tty` the controlling terminal of the running process's session. Precondition: it is the leader's, and has none.
void acquire_tty(Tty &);
// The line dropped: files are dead, the session leader gets SIGHUP and SIGCONT. session_ends: the foreground group SIGHUP too.
void hang_up(Tty &, bool session_ends);
// TIOCNOTTY of a leader.
void give_up_tty(Session &);
// Called by a session leader that exits, before its descriptors are closed.
void session_leader_exits(Process &);
Result<std::int32_t> tty_job_ioctl(Tty &, unsigned command, std::uint32_t argument, bool master);
}  // namespace kernel
