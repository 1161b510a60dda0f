// SPDX-License-Identifier: MIT
// A login shell on the console; when it ends, so does the machine.
#include "init.hpp"
#include <algorithm>
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
constexpr char first_guest[] = "/etc/xen/lodger.cfg";

// The kernel's command line is the first guest's but for the word "noguest": there is to be none.
bool wants_guest(Words const &arguments)
{
    return is_control_domain() && access(first_guest, F_OK) == 0
        && std::find(arguments.begin(), arguments.end(), "noguest") == arguments.end();
}

// As a setting of its guest file.
std::string command_line_of(Words const &arguments)
{
    std::string text = "extra=\"";
    for (auto const &word : arguments) {
        text += text.back() == '"' ? "" : " ";
        for (char c : word)
            text += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
    return text + "\"";
}

[[noreturn]] void become_shell(Words const &arguments)
{
    take_console();
    if (chdir("/root") != 0 && chdir("/") != 0)
        _exit(1);
    Words command{"-sh"};
    if (wants_guest(arguments))  // first that; when it is left, or has ended, this domain's shell
        command = {"sh", "-c", "pvctl create -c /etc/xen/lodger.cfg \"$1\"; exec sh -l", "sh",
                   command_line_of(arguments)};
    std::vector<char *> argv;
    for (auto const &word : command)
        argv.push_back(const_cast<char *>(word.c_str()));
    argv.push_back(nullptr);
    char const *environment[] = {
        "HOME=/root", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", "TERM=linux", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
        nullptr};
    execve("/bin/sh", argv.data(), const_cast<char *const *>(environment));
    std::fprintf(stderr, "init: cannot start /bin/sh: %s\n", std::strerror(errno));
    _exit(127);
}
}  // namespace

void take_console()
{
    setsid();
    int console = open("/dev/console", O_RDWR);
    if (console < 0)
        console = 0;
    ioctl(console, TIOCSCTTY, 0);
    // /dev/console knows no background: a command there would take what is typed to the shell. The terminal behind it does.
    if (int terminal = open("/dev/ttyS0", O_RDWR | O_NOCTTY); terminal >= 0) {
        if (console > 2)
            close(console);
        console = terminal;
    }
    for (int fd : {0, 1, 2})
        dup2(console, fd);
    if (console > 2)
        close(console);
    for (int signal : {SIGUSR1, SIGUSR2, SIGTERM})
        std::signal(signal, SIG_DFL);
}

void serve_console(Words const &arguments)
{
    pid_t shell = fork();
    if (shell == 0)
        become_shell(arguments);
    if (shell < 0)
        std::fprintf(stderr, "init: cannot start a process: %s\n", std::strerror(errno));
    for (;;) {
        if (int command = requested_power_command())
            end_machine(command, shell);
        pid_t dead = wait(nullptr);  // orphans too
        if (dead == shell || (dead < 0 && errno == ECHILD))
            end_machine(LINUX_REBOOT_CMD_POWER_OFF);
    }
}
}  // namespace init
