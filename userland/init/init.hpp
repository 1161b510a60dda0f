// SPDX-License-Identifier: MIT
// The first program in the guest. An ordinary static Linux program: it prepares the file tree, then either serves a shell on
// the console or runs one program for `lodger run`, and powers the machine off.
#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

namespace init {
using Words = std::vector<std::string>;

// setup.cpp: mounts /proc, /sys, /dev/pts, /dev/shm, /tmp, /run; sets the host name. Complains and goes on.
void prepare_machine();

// network.cpp: if the kernel's command line says LODGER_NET=dhcp (an address) or LODGER_NET=bridge (only the bridge for other
// domains). Returns when that is done, or cannot be had.
void bring_network_up();

// power.cpp: ends the machine: kills everybody, syncs, reboot(2). `command` is a LINUX_REBOOT_CMD_*.
// `shell` is the one on the console, if there is one.
[[noreturn]] void end_machine(int command, pid_t shell = 0);
// Ends all other processes and unmounts what is on disks, or where something is in the way makes it read-only. Nothing without disks.
void leave_disks();
// SIGUSR2, SIGTERM, SIGUSR1 from busybox's poweroff, reboot, halt become a pending request; 0: none.
void watch_power_signals();
int requested_power_command();

// control_domain.cpp: in domain 0 with the control plane's programs at hand.
bool is_control_domain();
void start_daemons();  // xenstored, xenconsoled; returns when they are ready. Complains and goes on.
// One guest has the console, and the machine ends with it: /etc/lodger/foreground holds the words of its command line.
bool has_foreground_guest();
[[noreturn]] void serve_foreground_guest();

// What the host asks us to run: /etc/lodger/run, strings that end in NUL: "tty" or "pipe", rows, columns, working
// directory, number of arguments, the arguments, then NAME=VALUE pairs to the end.
struct RunRequest {
    bool terminal = false;
    unsigned short rows = 24, columns = 80;
    std::string directory;
    std::vector<std::string> arguments, environment;
    std::string root;  // the program's; empty: ours
};
bool read_run_request(RunRequest &);                 // false: there is none; init serves the console
[[noreturn]] void run_for_host(RunRequest const &);  // run.cpp
// shell.cpp: makes the console's terminal that of a process of ours, which may be used up then.
void take_console();
// In domain 0 with /etc/xen/lodger.cfg that guest has the console first.
[[noreturn]] void serve_console(Words const &arguments);

// root.cpp: a disk as the root, if the kernel's command line names one (root=). False: it does not.
bool mount_root();
void prepare_root(RunRequest &);  // for one program
[[noreturn]] void hand_over();    // for good, to the disk's own init
}  // namespace init
