// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <userland/common/daemon.hpp>

namespace {
[[noreturn]] void wait_for_child(pid_t child, int report)
{
    char byte;
    if (read(report, &byte, 1) == 1)
        _exit(0);
    int status = 0;
    waitpid(child, &status, 0);
    _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
}
}  // namespace

Daemon::Daemon(bool wanted)
{
    int ends[2];
    if (!wanted)
        return;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        std::perror("pipe");
        std::exit(1);
    }
    pid_t child = fork();
    if (child < 0) {
        std::perror("fork");
        std::exit(1);
    }
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    report_ = ends[1];
    setsid();
}

bool Daemon::ready(std::string const &pid_file)
{
    if (!pid_file.empty()) {
        auto file = std::fopen(pid_file.c_str(), "we");
        bool written = file && std::fprintf(file, "%d\n", getpid()) > 0;
        if (file)
            written = std::fclose(file) == 0 && written;
        if (!written)
            return false;
    }
    if (report_ < 0)
        return true;
    // What the caller's terminal or pipe is for does not concern a daemon; its messages still go to standard error.
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing >= 0) {
        dup2(nothing, 0);
        dup2(nothing, 1);
        close(nothing);
    }
    char byte = 0;
    bool told = write(report_, &byte, 1) == 1;
    close(report_);
    report_ = -1;
    return told;
}
