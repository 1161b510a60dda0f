// SPDX-License-Identifier: MIT
// The first program in the guest. An ordinary static Linux program: it prepares the file tree, then either serves a shell on
// the console or runs one program for `lodger run`, and powers the machine off.
#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

namespace init {
// setup.cpp: mounts /proc, /sys, /dev/pts, /dev/shm, /tmp, /run; sets the host name. Complains and goes on.
void prepare_machine();

// power.cpp: ends the machine: kills everybody, syncs, reboot(2). `command` is a LINUX_REBOOT_CMD_*.
[[noreturn]] void end_machine(int command);
// SIGUSR2, SIGTERM, SIGUSR1 from busybox's poweroff, reboot, halt become a pending request; 0: none.
void watch_power_signals();
int requested_power_command();

// What the host asks us to run: /etc/lodger/run, strings that end in NUL: "tty" or "pipe", rows, columns, working
// directory, number of arguments, the arguments, then NAME=VALUE pairs to the end.
struct RunRequest {
    bool terminal = false;
    unsigned short rows = 24, columns = 80;
    std::string directory;
    std::vector<std::string> arguments, environment;
};
bool read_run_request(RunRequest &);                 // false: there is none; init serves the console
[[noreturn]] void run_for_host(RunRequest const &);  // run.cpp
[[noreturn]] void serve_console();                   // shell.cpp
}  // namespace init
