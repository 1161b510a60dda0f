// SPDX-License-Identifier: MIT
// A login shell on the console; when it ends, so does the machine.
#include "init.hpp"
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace init {
namespace {
[[noreturn]] void become_shell()
{
    setsid();
    int console = open("/dev/console", O_RDWR);
    if (console < 0)
        console = 0;
    ioctl(console, TIOCSCTTY, 0);
    for (int fd : {0, 1, 2})
        dup2(console, fd);
    if (console > 2)
        close(console);
    for (int signal : {SIGUSR1, SIGUSR2, SIGTERM})
        std::signal(signal, SIG_DFL);
    if (chdir("/root") != 0 && chdir("/") != 0)
        _exit(1);
    char const *arguments[] = {"-sh", nullptr};
    char const *environment[] = {
        "HOME=/root", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", "TERM=linux", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
        nullptr};
    execve("/bin/sh", const_cast<char *const *>(arguments), const_cast<char *const *>(environment));
    std::fprintf(stderr, "init: cannot start /bin/sh: %s\n", std::strerror(errno));
    _exit(127);
}
}  // namespace

void serve_console()
{
    pid_t shell = fork();
    if (shell == 0)
        become_shell();
    if (shell < 0)
        std::fprintf(stderr, "init: cannot start a process: %s\n", std::strerror(errno));
    for (;;) {
        if (int command = requested_power_command())
            end_machine(command);
        pid_t dead = wait(nullptr);  // orphans too
        if (dead == shell || (dead < 0 && errno == ECHILD))
            end_machine(LINUX_REBOOT_CMD_POWER_OFF);
    }
}
}  // namespace init
