// SPDX-License-Identifier: MIT
// fork, vfork, exec, wait, sessions and process groups.
#include "test.hpp"
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace posix;

TEST(process, exit_status_reaches_wait)
{
    CHECK_EQ(WEXITSTATUS(child_status([] { _exit(7); })), 7);
    CHECK_EQ(WEXITSTATUS(child_status([] { _exit(0x1ff); })), 0xff);
    int status = child_status([] { raise(SIGKILL); });
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(process, fork_copies_memory)
{
    static int value = 1;
    int status = child_status([] {
        value = 2;
        _exit(value);
    });
    CHECK_EQ(WEXITSTATUS(status), 2);
    CHECK_EQ(value, 1);
}

TEST(process, vfork_shares_memory_and_waits)
{
    static volatile int value = 1;
    pid_t child = vfork();
    if (child == 0) {
        value = 2;
        _exit(3);
    }
    CHECK(child > 0);
    CHECK_EQ(value, 2);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 3);
}

TEST(process, wait_without_children)
{
    CHECK_ERRNO(wait(nullptr), ECHILD);
    CHECK_ERRNO(waitpid(-1, nullptr, WNOHANG), ECHILD);
    CHECK_ERRNO(waitpid(1, nullptr, 0), ECHILD);
    CHECK_ERRNO(waitpid(-1, nullptr, 0x40000), EINVAL);
}

TEST(process, wait_nohang_and_order)
{
    int gate[2];
    CHECK_EQ(pipe(gate), 0);
    pid_t child = fork();
    if (child == 0) {
        char c;
        close(gate[1]);
        (void)!read(gate[0], &c, 1);
        _exit(5);
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
    close(gate[1]);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 5);
}

TEST(process, waitid_reports_and_may_leave)
{
    pid_t child = fork();
    if (child == 0)
        _exit(9);
    siginfo_t info{};
    CHECK_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    CHECK_EQ(info.si_code, CLD_EXITED);
    CHECK_EQ(info.si_status, 9);
    CHECK_EQ(info.si_pid, child);
    CHECK_EQ(info.si_signo, SIGCHLD);
    CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
    CHECK_ERRNO(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED), ECHILD);
}

TEST(process, stop_and_continue_are_reported)
{
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    int status;
    kill(child, SIGSTOP);
    CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK_EQ(waitpid(child, &status, WNOHANG | WUNTRACED), 0);
    kill(child, SIGCONT);
    CHECK_EQ(waitpid(child, &status, WCONTINUED), child);
    CHECK(WIFCONTINUED(status));
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WTERMSIG(status), SIGKILL);
}

TEST(process, orphans_go_to_init_or_a_subreaper)
{
    CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    int report[2];
    CHECK_EQ(pipe(report), 0);
    pid_t child = fork();
    if (child == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent)
                usleep(1000);
            pid_t now = getppid();
            (void)!write(report[1], &now, sizeof now);
            _exit(11);
        }
        _exit(0);
    }
    CHECK_EQ(waitpid(child, nullptr, 0), child);
    pid_t adopted_by = 0;
    CHECK_EQ(read(report[0], &adopted_by, sizeof adopted_by), static_cast<ssize_t>(sizeof adopted_by));
    CHECK_EQ(adopted_by, getpid());
    int status;
    CHECK(wait(&status) > 0);
    CHECK_EQ(WEXITSTATUS(status), 11);
}

TEST(process, sessions_and_groups)
{
    CHECK_EQ(getpgrp(), getpid());  // the runner made us a leader
    CHECK_ERRNO(setsid(), EPERM);
    int status = child_status([] {
        CHECK_EQ(getpgrp(), getppid());
        CHECK_EQ(setsid(), getpid());
        CHECK_EQ(getsid(0), getpid());
        CHECK_EQ(getpgrp(), getpid());
        CHECK_ERRNO(setpgid(0, 0), EPERM);  // a session leader
    });
    CHECK_EQ(status, 0);
    CHECK_ERRNO(setpgid(0, -1), EINVAL);
    CHECK_ERRNO(setpgid(999999, 0), ESRCH);
    CHECK_ERRNO(getpgid(999999), ESRCH);
}

TEST(process, parent_may_not_move_a_child_that_ran_exec)
{
    int ready[2];
    CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sleep", "sleep", "100", nullptr);
        _exit(127);
    }
    close(ready[1]);
    char c;
    CHECK_EQ(read(ready[0], &c, 1), 0);  // closed by exec
    CHECK_ERRNO(setpgid(child, 0), EACCES);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
}

TEST(process, exec_failures)
{
    char const *argv[] = {"x", nullptr};
    auto run = [&](char const *path) { return execv(path, const_cast<char *const *>(argv)); };
    CHECK_ERRNO(run("/no/such/program"), ENOENT);
    CHECK_ERRNO(run("/tmp"), EACCES);
    int fd = open("data", O_CREAT | O_WRONLY, 0644);
    CHECK_EQ(write(fd, "text", 4), 4);
    close(fd);
    CHECK_ERRNO(run("data"), EACCES);
    chmod("data", 0755);
    CHECK_ERRNO(run("data"), ENOEXEC);
    CHECK_ERRNO(run("data/x"), ENOTDIR);
    CHECK_ERRNO(run(""), ENOENT);
}

TEST(process, exec_script)
{
    int fd = open("script", O_CREAT | O_WRONLY, 0755);
    char const text[] = "#!/bin/sh  -e\nexit $#\n";
    CHECK_EQ(write(fd, text, sizeof text - 1), static_cast<ssize_t>(sizeof text - 1));
    close(fd);
    int status = child_status([] {
        execl("./script", "ignored", "a", "b", "c", nullptr);
        _exit(127);
    });
    CHECK_EQ(WEXITSTATUS(status), 3);
}

TEST(process, exec_closes_marked_descriptors_and_keeps_others)
{
    int kept = open("/dev/null", O_RDONLY), marked = open("/dev/null", O_RDONLY | O_CLOEXEC);
    static char command[100];
    std::snprintf(command, sizeof command, "[ -e /proc/self/fd/%d ] && ! [ -e /proc/self/fd/%d ]", kept, marked);
    int status = child_status([] {
        execl("/bin/sh", "sh", "-c", command, nullptr);
        _exit(127);
    });
    CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST(process, exec_passes_many_arguments)
{
    static std::string big(100'000, 'x');
    int status = child_status([] {
        execl("/bin/sh", "sh", "-c", "[ ${#1} = 100000 ] && [ \"$2\" = '' ] && [ \"$3\" = three ]", "sh", big.c_str(),
              "", "three", nullptr);
        _exit(127);
    });
    CHECK_EQ(WEXITSTATUS(status), 0);
    static std::string huge(200'000, 'y');  // more than MAX_ARG_STRLEN, 128 KB
    status = child_status([] {
        execl("/bin/true", "true", huge.c_str(), nullptr);
        _exit(errno == E2BIG ? 42 : 1);
    });
    CHECK_EQ(WEXITSTATUS(status), 42);
}

TEST(process, proc_self_exe_names_and_runs_us)
{
    char path[4096];
    auto n = readlink("/proc/self/exe", path, sizeof path);
    CHECK(n > 0);
    CHECK(access("/proc/self/exe", X_OK) == 0);
    struct stat a, b;
    CHECK_EQ(stat("/proc/self/exe", &a), 0);
    path[n] = 0;
    CHECK_EQ(stat(path, &b), 0);
    CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
}

TEST(process, posix_spawn_reports_failure)
{
    pid_t child;
    char const *argv[] = {"true", nullptr};
    CHECK_EQ(posix_spawn(&child, "/bin/true", nullptr, nullptr, const_cast<char *const *>(argv), environ), 0);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(posix_spawn(&child, "/no/such", nullptr, nullptr, const_cast<char *const *>(argv), environ), ENOENT);
}

TEST(process, limits_are_inherited_and_checked)
{
    rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 20;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int status = child_status([] {
        rlimit now;
        CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
        CHECK_EQ(now.rlim_cur, 20);
        int fd;
        while ((fd = open("/dev/null", O_RDONLY)) >= 0)
            CHECK(fd < 20);
        CHECK_EQ(errno, EMFILE);
    });
    CHECK_EQ(status, 0);
    limit.rlim_cur = limit.rlim_max + 1;
    if (limit.rlim_max != RLIM_INFINITY)
        CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
    CHECK_ERRNO(syscall(SYS_ugetrlimit, 99, &limit), EINVAL);
}

TEST(process, uname_and_names)
{
    utsname u;
    CHECK_EQ(uname(&u), 0);
    CHECK_EQ(std::string{u.sysname}, "Linux");
    CHECK_EQ(prctl(PR_SET_NAME, "a-long-name-that-is-cut"), 0);
    char name[16];
    CHECK_EQ(prctl(PR_GET_NAME, name), 0);
    CHECK_EQ(std::string{name}, "a-long-name-tha");
}

TEST(process, cpu_time_is_accounted)
{
    rusage usage;
    tms t;
    do {  // until both have seen it: times(2) counts in ticks of 10 ms
        CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
        CHECK(times(&t) != static_cast<clock_t>(-1));
    } while (usage.ru_utime.tv_sec == 0
             && (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec < 30'000 || t.tms_utime + t.tms_stime < 1));
    int status = child_status([] {
        rusage u;
        do
            getrusage(RUSAGE_SELF, &u);
        while (u.ru_utime.tv_sec == 0 && u.ru_utime.tv_usec + u.ru_stime.tv_usec < 30'000);
    });
    CHECK_EQ(status, 0);
    CHECK_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
    CHECK(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 20'000);
}

TEST(process, parent_death_signal)
{
    int report[2];
    CHECK_EQ(pipe(report), 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() == 0) {
            close(report[0]);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            (void)!write(report[1], "r", 1);
            for (;;)
                pause();
        }
        char c;
        (void)!read(report[0], &c, 1);
        _exit(0);
    }
    close(report[1]);
    waitpid(child, nullptr, 0);
    char c;
    CHECK_EQ(read(report[0], &c, 1), 0);  // the grandchild is gone
}

TEST(process, an_unknown_call_is_enosys)
{
    for (int i = 0; i < 2; ++i) {  // tests/boot/crash_test.cpp looks for one line of each in the log
        CHECK_ERRNO(syscall(440 + 500, 1, 2, 3, 4, 5, 6), ENOSYS);
        CHECK_ERRNO(syscall(17), ENOSYS);  // break(2), never implemented
    }
}

TEST(process, nice_and_priorities)
{
    errno = 0;
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 5), 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
    CHECK_EQ(setpriority(PRIO_PROCESS, 0, 100), 0);
    CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
    CHECK_ERRNO(getpriority(PRIO_PROCESS, 999999), ESRCH);
    CHECK_ERRNO(syscall(SYS_getpriority, 7, 0), EINVAL);
}
