// SPDX-License-Identifier: MIT
// Domain 0: the daemons that the other domains need.
#include "init.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace init {
namespace {
constexpr char foreground_file[] = "/etc/lodger/foreground";

// Starts a program and waits for it. Gives its status as wait(2) does; -1: it could not be started.
int run(Words const &command, bool with_console)
{
    pid_t child = fork();
    if (child == 0) {
        if (with_console)
            take_console();
        std::vector<char *> argv;
        for (auto const &word : command)
            argv.push_back(const_cast<char *>(word.c_str()));
        argv.push_back(nullptr);
        execv(argv[0], argv.data());
        std::fprintf(stderr, "init: cannot start %s: %s\n", argv[0], std::strerror(errno));
        _exit(127);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        if (int power = requested_power_command())
            end_machine(power);
    return status;
}
}  // namespace

bool is_control_domain() { return access("/dev/xen/privcmd", F_OK) == 0 && access("/sbin/xenstored", X_OK) == 0; }

void start_daemons()
{
    if (run({"/sbin/xenstored", "--daemon"}, false) != 0)
        std::fprintf(stderr, "init: xenstored does not run: there will be no other domains\n");
    else if (access("/sbin/xenconsoled", X_OK) == 0 && run({"/sbin/xenconsoled", "--daemon"}, false) != 0)
        std::fprintf(stderr, "init: xenconsoled does not run: guests have no consoles\n");
}

bool has_foreground_guest() { return access(foreground_file, F_OK) == 0; }

void serve_foreground_guest()
{
    Words command{"/sbin/foreground"};
    std::ifstream file(foreground_file);
    for (std::string word; file >> word;)
        command.push_back(word);
    // The hypervisor takes a domain 0 that halts for one that crashed, and the emulator's status says so.
    end_machine(run(command, true) == 0 ? LINUX_REBOOT_CMD_POWER_OFF : LINUX_REBOOT_CMD_HALT);
}
}  // namespace init
