// SPDX-License-Identifier: MIT
// Usage: posix-tests [GROUP[.NAME]]...     Ends with "N passed, N failed".
#include "test.hpp"
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace posix {
namespace {
Test *first = nullptr;
constexpr int seconds_each = 30;

bool wanted(Test const &test, int argc, char **argv)
{
    if (argc < 2)
        return true;
    std::string const group = test.group, full = group + "." + test.name;
    for (int i = 1; i < argc; ++i)
        if (group == argv[i] || full == argv[i])
            return true;
    return false;
}

void remove_tree(std::string const &folder)
{
    pid_t child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", folder.c_str(), nullptr);
        _exit(1);
    }
    waitpid(child, nullptr, 0);
}

bool run(Test const &test)
{
    char folder[] = "/tmp/posix-XXXXXX";
    if (!mkdtemp(folder))
        return false;
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        umask(022);
        if (chdir(folder) != 0)
            _exit(2);
        test.body();
        std::fflush(stdout);
        _exit(0);
    }
    int status = 0;
    bool in_time = false;
    for (int i = 0; i < seconds_each * 200 && !in_time; ++i) {
        in_time = waitpid(child, &status, WNOHANG) == child;
        if (!in_time)
            usleep(i < 20 ? 500 : 5000);
    }
    kill(-child, SIGKILL);
    if (!in_time)
        waitpid(child, nullptr, 0);
    remove_tree(folder);
    if (!in_time)
        std::printf("  %s.%s: no end within %d s\n", test.group, test.name, seconds_each);
    else if (WIFSIGNALED(status))
        std::printf("  %s.%s: ended by signal %d\n", test.group, test.name, WTERMSIG(status));
    return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
}  // namespace

Test::Test(char const *g, char const *n, void (*b)()) : group{g}, name{n}, body{b}, next{first} { first = this; }

void fail(char const *file, int line, char const *what, std::string const &detail)
{
    std::printf("  %s:%d: %s: %s\n", file, line, what, detail.c_str());
    std::fflush(stdout);
    _exit(1);
}

int in_child(void (*f)())
{
    std::fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        f();
        std::fflush(stdout);
        _exit(0);
    }
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return status;
}
}  // namespace posix

int main(int argc, char **argv)
{
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::vector<posix::Test *> tests;
    for (auto t = posix::first; t; t = t->next)
        if (posix::wanted(*t, argc, argv))
            tests.insert(tests.begin(), t);
    int passed = 0, failed = 0;
    for (auto t : tests) {
        bool ok = posix::run(*t);
        std::printf("%s %s.%s\n", ok ? "ok" : "FAILED", t->group, t->name);
        ++(ok ? passed : failed);
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
