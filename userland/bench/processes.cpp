// SPDX-License-Identifier: MIT
// Making processes and threads.
#include "bench.hpp"
#include <cstdio>
#include <cstring>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {
template <class InChild>
void child_and_wait(InChild in_child)
{
    auto pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        in_child();
        _exit(127);
    }
    int status = 0;
    check(waitpid(pid, &status, 0) == pid, "waitpid");
    if (status != 0)
        fail("a child did not end as it should");
}

struct ForkExit {
    void run(unsigned n)
    {
        for (; n; --n)
            child_and_wait([] { _exit(0); });
    }
};
Row<ForkExit> const fork_exit_row{"fork+exit", 2};

struct ForkExec {
    void run(unsigned n)
    {
        for (; n; --n)
            child_and_wait([] { execl(own_path().c_str(), "bench", "child", "exit", nullptr); });
    }
};
Row<ForkExec> const fork_exec_row{"fork+exec", 1};

struct ForkShell {
    static bool possible() { return access("/bin/sh", X_OK) == 0; }
    ForkShell() : command{own_path() + " child exit"} {}
    void run(unsigned n)
    {
        for (; n; --n)
            child_and_wait([this] { execl("/bin/sh", "sh", "-c", command.c_str(), nullptr); });
    }
    std::string command;
};
Row<ForkShell> const fork_shell_row{"fork+sh", 1};

struct ThreadJoin {
    void run(unsigned n)
    {
        for (; n; --n) {
            pthread_t thread;
            check(pthread_create(
                      &thread, nullptr, [](void *p) { return p; }, nullptr)
                      == 0,
                  "pthread_create");
            pthread_join(thread, nullptr);
        }
    }
};
Row<ThreadJoin> const thread_row{"thread create+join", 10};
}  // namespace

int run_as_child(char const *what) { return std::strcmp(what, "exit") == 0 ? 0 : 2; }
}  // namespace bench
