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
// Asks all others to end, and a fifth of a second later makes them.
void end_processes()
{
    std::signal(SIGTERM, SIG_IGN);
    for (int signal : {SIGTERM, SIGKILL}) {
        kill(-1, signal);
        kill(-1, SIGCONT);
        for (int wait = 0; wait < 10; ++wait) {
            while (waitpid(-1, nullptr, WNOHANG) > 0) {}
            if (kill(-1, 0) != 0)
                return;  // nobody left
            usleep(20'000);
        }
    }
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

void end_machine(int command)
{
    end_processes();
    sync();
    leave_disks();
    ::reboot(command);
    _exit(1);
}
}  // namespace init
