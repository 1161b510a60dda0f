// SPDX-License-Identifier: MIT
#include "init.hpp"
#include <csignal>
#include <linux/reboot.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

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

void end_machine(int command)
{
    std::signal(SIGTERM, SIG_IGN);
    kill(-1, SIGTERM);
    kill(-1, SIGCONT);
    for (int tenth = 0; tenth < 10; ++tenth) {
        while (waitpid(-1, nullptr, WNOHANG) > 0) {}
        if (kill(-1, 0) != 0)
            break;  // nobody left
        usleep(20'000);
    }
    kill(-1, SIGKILL);
    sync();
    ::reboot(command);
    _exit(1);
}
}  // namespace init
