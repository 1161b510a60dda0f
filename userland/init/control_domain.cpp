// SPDX-License-Identifier: MIT
// Domain 0: the daemons that the other domains need.
#include "init.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace init {
namespace {
// Starts a program and waits for it. Gives its status as wait(2) does; -1: it could not be started.
int run(Words const &command)
{
    pid_t child = fork();
    if (child == 0) {
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
    if (run({"/sbin/xenstored", "--daemon"}) != 0)
        std::fprintf(stderr, "init: xenstored does not run: there will be no other domains\n");
    else if (access("/sbin/xenconsoled", X_OK) == 0 && run({"/sbin/xenconsoled", "--daemon"}) != 0)
        std::fprintf(stderr, "init: xenconsoled does not run: guests have no consoles\n");
}
}  // namespace init
