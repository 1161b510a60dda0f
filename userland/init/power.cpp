// SPDX-License-Identifier: MIT
#include "init.hpp"
#include <csignal>
#include <fstream>
#include <linux/reboot.h>
#include <string>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace init {
namespace {
volatile std::sig_atomic_t requested = 0;

void on_power_signal(int signal)
{
    // The signals that busybox's halt, poweroff and reboot send to process 1.
    requested = signal == SIGUSR1 ? LINUX_REBOOT_CMD_HALT
        : signal == SIGTERM       ? LINUX_REBOOT_CMD_RESTART
                                  : LINUX_REBOOT_CMD_POWER_OFF;
}
}  // namespace

void watch_power_signals()
{
    struct sigaction action = {};
    action.sa_handler = on_power_signal;  // no SA_RESTART: waiting is what it must interrupt
    for (int signal : {SIGUSR1, SIGUSR2, SIGTERM})
        sigaction(signal, &action, nullptr);
}

int requested_power_command() { return requested; }

namespace {
constexpr int step_ms = 20;

bool all_gone_within(int ms)
{
    for (; ms > 0; ms -= step_ms) {
        while (waitpid(-1, nullptr, WNOHANG) > 0) {}
        if (kill(-1, 0) != 0)
            return true;
        usleep(step_ms * 1000);
    }
    return false;
}

// Asks all others to end; makes them two seconds later.
void end_processes(pid_t shell = 0)
{
    std::signal(SIGTERM, SIG_IGN);
    kill(-1, SIGTERM);
    kill(-1, SIGCONT);
    if (all_gone_within(200))
        return;
    if (shell > 0)  // an interactive one ignores SIGTERM; others may be at work still
        kill(shell, SIGHUP);
    if (all_gone_within(1800))
        return;
    kill(-1, SIGKILL);
    all_gone_within(200);
}

// The file systems that are on disks, the newest last.
std::vector<std::string> disk_mounts()
{
    std::ifstream file("/proc/self/mounts");
    std::vector<std::string> places;
    std::string device, place, type, rest;
    while (file >> device >> place >> type && std::getline(file, rest))
        if (type.starts_with("ext"))
            places.push_back(place);
    return places;
}
}  // namespace

void leave_disks()
{
    auto const places = disk_mounts();
    if (places.empty())
        return;
    end_processes();
    sync();
    for (auto i = places.rbegin(); i != places.rend(); ++i) {
        // What is mounted inside a root: its /proc, /dev.
        for (char const *inside : {"/dev/pts", "/dev/shm", "/dev", "/proc"})
            umount((*i + inside).c_str());
        if (umount(i->c_str()) != 0)
            mount(nullptr, i->c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
    }
}

void end_machine(int command, pid_t shell)
{
    end_processes(shell);
    sync();
    leave_disks();
    ::reboot(command);
    _exit(1);
}
}  // namespace init
