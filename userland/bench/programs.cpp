// SPDX-License-Identifier: MIT
// The macro set: programs of Debian's, each in a process group of its own. The time that counts is taken outside the machine,
// between two marks: a mark is printed, and answered when the other side has looked at its clock. Meanwhile nothing runs here.
#include "bench.hpp"
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {
constexpr char const *list = "/bench/programs";  // lines: NAME, a tab, a command for the shell
}  // namespace

int run_command(std::string const &command)
{
    auto pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        check(chdir("/tmp") == 0, "/tmp");
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void mark(char const *what, std::string const &name, unsigned value)
{
    std::printf("@mark\t%s\t%s\t%u\n", what, name.c_str(), value);
    std::fflush(stdout);
    char answer;
    while (read(0, &answer, 1) < 0 && errno == EINTR) {}
}

void run_programs(unsigned times)
{
    std::ifstream file(list);
    check(file.good(), list);
    for (std::string line; std::getline(file, line);) {
        auto tab = line.find('\t');
        if (tab == std::string::npos)
            continue;
        auto name = line.substr(0, tab), command = line.substr(tab + 1);
        for (unsigned i = 0; i <= times; ++i) {  // the first brings the program into memory
            mark("begin", name, i);
            auto status = run_command(command);
            mark("end", name, i);
            if (status != 0)
                fail(name + " ended with status " + std::to_string(status));
        }
    }
}
}  // namespace bench
