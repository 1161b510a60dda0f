// SPDX-License-Identifier: MIT
// Signals: delivery, masks, queues, frames, restart, stacks, job control.
#include "test.hpp"
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

using namespace posix;

namespace {
volatile std::sig_atomic_t count, last;
siginfo_t last_info;

void note(int signal)
{
    count = count + 1;
    last = signal;
}
void note_info(int signal, siginfo_t *info, void *)
{
    note(signal);
    last_info = *info;
}
void handle(int signal, int flags = 0)
{
    struct sigaction action = {};
    if (flags & SA_SIGINFO)
        action.sa_sigaction = note_info;
    else
        action.sa_handler = note;
    action.sa_flags = flags;
    CHECK_EQ(sigaction(signal, &action, nullptr), 0);
}
sigset_t set_of(int signal)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, signal);
    return s;
}
void block(int signal)
{
    auto s = set_of(signal);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &s, nullptr), 0);
}
void unblock(int signal)
{
    auto s = set_of(signal);
    CHECK_EQ(sigprocmask(SIG_UNBLOCK, &s, nullptr), 0);
}
void after_ms(int ms)
{
    itimerval t{{0, 0}, {ms / 1000, ms % 1000 * 1000}};
    CHECK_EQ(setitimer(ITIMER_REAL, &t, nullptr), 0);
}
}  // namespace

TEST(signals, a_handler_runs_and_registers_survive)
{
    handle(SIGUSR1);
    for (int i = 1; i <= 100; ++i) {
        CHECK_EQ(raise(SIGUSR1), 0);
        CHECK_EQ(count, i);
    }
    handle(SIGUSR2, SA_SIGINFO);
    kill(getpid(), SIGUSR2);
    CHECK_EQ(last, SIGUSR2);
    CHECK_EQ(last_info.si_code, SI_USER);
    CHECK_EQ(last_info.si_pid, getpid());
}

TEST(signals, blocked_signals_merge_and_wait)
{
    handle(SIGUSR1);
    block(SIGUSR1);
    for (int i = 0; i < 5; ++i)
        kill(getpid(), SIGUSR1);
    CHECK_EQ(count, 0);
    sigset_t pending;
    CHECK_EQ(sigpending(&pending), 0);
    CHECK_EQ(sigismember(&pending, SIGUSR1), 1);
    unblock(SIGUSR1);
    CHECK_EQ(count, 1);
}

TEST(signals, realtime_signals_queue_in_order)
{
    static int values[10], n;
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t *info, void *) { values[n++] = info->si_value.sival_int; };
    CHECK_EQ(sigaction(SIGRTMIN + 1, &action, nullptr), 0);
    block(SIGRTMIN + 1);
    for (int i = 0; i < 5; ++i) {
        sigval value{};
        value.sival_int = i;
        CHECK_EQ(sigqueue(getpid(), SIGRTMIN + 1, value), 0);
    }
    unblock(SIGRTMIN + 1);
    CHECK_EQ(n, 5);
    for (int i = 0; i < 5; ++i)
        CHECK_EQ(values[i], i);
}

TEST(signals, handler_mask_and_nodefer)
{
    static int depth, deepest, runs;
    struct sigaction action = {};
    action.sa_handler = [](int signal) {
        if (++depth > deepest)
            deepest = depth;
        if (++runs < 3)
            raise(signal);
        --depth;
    };
    sigaction(SIGUSR1, &action, nullptr);
    raise(SIGUSR1);
    CHECK_EQ(deepest, 1);
    CHECK_EQ(runs, 3);
    depth = deepest = runs = 0;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, nullptr);
    raise(SIGUSR1);
    CHECK_EQ(deepest, 3);
}

TEST(signals, resethand_is_one_shot)
{
    handle(SIGUSR1, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    CHECK_EQ(sigaction(SIGUSR1, nullptr, &now), 0);
    CHECK(now.sa_handler == SIG_DFL);
}

TEST(signals, default_actions)
{
    for (int signal : {SIGHUP, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE, SIGSEGV, SIGFPE, SIGRTMIN}) {
        static int s;
        s = signal;
        int status = child_status([] {
            raise(s);
            _exit(1);
        });
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    }
    for (int signal : {SIGCHLD, SIGURG, SIGWINCH, SIGCONT}) {
        static int s;
        s = signal;
        CHECK_EQ(child_status([] { raise(s); }), 0);
    }
    CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR);
    CHECK_EQ(errno, EINVAL);
    CHECK_ERRNO(kill(getpid(), 65), EINVAL);
    CHECK_ERRNO(kill(999999, 0), ESRCH);
    CHECK_EQ(kill(getpid(), 0), 0);
}

TEST(signals, read_is_interrupted_or_restarted)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    handle(SIGALRM);
    after_ms(30);
    char c;
    CHECK_ERRNO(read(fds[0], &c, 1), EINTR);
    CHECK_EQ(count, 1);

    handle(SIGALRM, SA_RESTART);
    pid_t child = fork();
    if (child == 0) {
        usleep(150'000);
        (void)!write(fds[1], "x", 1);
        _exit(0);
    }
    after_ms(30);
    CHECK_EQ(read(fds[0], &c, 1), 1);
    CHECK_EQ(count, 2);
    waitpid(child, nullptr, 0);
}

TEST(signals, nanosleep_tells_what_is_left_and_ignores_ignored)
{
    handle(SIGALRM, SA_RESTART);
    after_ms(30);
    timespec left{}, want{5, 0};
    CHECK_ERRNO(nanosleep(&want, &left), EINTR);
    CHECK(left.tv_sec == 4 && left.tv_nsec > 0);

    signal(SIGALRM, SIG_IGN);
    after_ms(20);
    timespec start, end, short_sleep{0, 80'000'000};
    clock_gettime(CLOCK_MONOTONIC, &start);
    CHECK_EQ(nanosleep(&short_sleep, nullptr), 0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    CHECK((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1'000'000 >= 79);
}

TEST(signals, sleep_goes_on_after_stop_and_continue)
{
    pid_t child = fork();
    if (child == 0) {
        timespec want{0, 300'000'000};
        _exit(nanosleep(&want, nullptr) == 0 ? 0 : 1);
    }
    usleep(50'000);
    kill(child, SIGSTOP);
    int status;
    waitpid(child, &status, WUNTRACED);
    kill(child, SIGCONT);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

TEST(signals, sigsuspend_is_atomic_and_restores)
{
    handle(SIGUSR1);
    block(SIGUSR1);
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    CHECK_ERRNO(sigsuspend(&none), EINTR);
    CHECK_EQ(count, 1);
    sigset_t now;
    sigprocmask(SIG_SETMASK, nullptr, &now);
    CHECK_EQ(sigismember(&now, SIGUSR1), 1);
}

TEST(signals, sigtimedwait_takes_without_a_handler)
{
    block(SIGUSR1);
    auto set = set_of(SIGUSR1);
    timespec soon{0, 20'000'000};
    CHECK_ERRNO(sigtimedwait(&set, nullptr, &soon), EAGAIN);
    raise(SIGUSR1);
    siginfo_t info{};
    CHECK_EQ(sigtimedwait(&set, &info, &soon), SIGUSR1);
    CHECK_EQ(info.si_signo, SIGUSR1);
    sigset_t pending;
    sigpending(&pending);
    CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
}

TEST(signals, alternate_stack)
{
    static char stack[32768];
    static void *seen;
    stack_t ss{};
    ss.ss_sp = stack;
    ss.ss_size = sizeof stack;
    CHECK_EQ(sigaltstack(&ss, nullptr), 0);
    struct sigaction action = {};
    action.sa_flags = SA_ONSTACK;
    action.sa_handler = [](int) {
        char here;
        seen = &here;
        stack_t now;
        sigaltstack(nullptr, &now);
        if (!(now.ss_flags & SS_ONSTACK))
            _exit(1);
    };
    sigaction(SIGUSR1, &action, nullptr);
    raise(SIGUSR1);
    CHECK(seen >= stack && seen < stack + sizeof stack);
    ss.ss_size = 100;
    CHECK_ERRNO(sigaltstack(&ss, nullptr), ENOMEM);
}

TEST(signals, stack_overflow_is_caught_on_the_alternate_stack)
{
    int status = child_status([] {
        static char stack[32768];
        stack_t ss{};
        ss.ss_sp = stack;
        ss.ss_size = sizeof stack;
        sigaltstack(&ss, nullptr);
        struct sigaction action = {};
        action.sa_flags = SA_ONSTACK;
        action.sa_handler = [](int) { _exit(33); };
        sigaction(SIGSEGV, &action, nullptr);
        struct Deep {
            static int go(int n)
            {
                volatile char pad[4096];
                pad[0] = static_cast<char>(n);
                return go(n + 1) + pad[0];
            }
        };
        _exit(Deep::go(0));
    });
    CHECK_EQ(WEXITSTATUS(status), 33);
}

TEST(signals, the_frame_can_be_changed_by_the_handler)
{
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t *, void *context) {
        auto &regs = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
        regs[REG_EIP] += 2;  // over the two bytes of ud2
        regs[REG_EAX] = 77;
    };
    sigaction(SIGILL, &action, nullptr);
    int eax = 1, ebx;
    asm volatile("ud2" : "+a"(eax), "=b"(ebx) : "1"(5));
    CHECK_EQ(eax, 77);
    CHECK_EQ(ebx, 5);
}

TEST(signals, floating_point_survives_a_handler)
{
    static volatile double x = 1.0;
    struct sigaction action = {};
    action.sa_handler = [](int) {
        x = x * 3.0 + 0.5;
        asm volatile("fninit");
    };
    sigaction(SIGUSR1, &action, nullptr);
    double a = 1.25, b = 3.5;
    asm volatile("" : "+t"(a));
    double product = a * b;
    asm volatile("fldl %0" ::"m"(product));
    raise(SIGUSR1);
    double after = 0;
    asm volatile("fstpl %0" : "=m"(after));
    CHECK(after == 4.375);
    CHECK(x == 3.5);
}

TEST(signals, sigchld_and_nocldwait)
{
    handle(SIGCHLD, SA_SIGINFO);
    pid_t child = fork();
    if (child == 0)
        _exit(4);
    CHECK(eventually([] { return count == 1; }));
    CHECK_EQ(last_info.si_code, CLD_EXITED);
    CHECK_EQ(last_info.si_status, 4);
    CHECK_EQ(last_info.si_pid, child);
    CHECK_EQ(waitpid(child, nullptr, 0), child);

    signal(SIGCHLD, SIG_IGN);
    child = fork();
    if (child == 0)
        _exit(0);
    CHECK_ERRNO(waitpid(child, nullptr, 0), ECHILD);  // waits until it is gone
}

TEST(signals, signals_to_groups)
{
    int ready[2];
    CHECK_EQ(pipe(ready), 0);
    pid_t group = 0;
    for (int i = 0; i < 3; ++i) {
        pid_t child = fork();
        if (child == 0) {
            setpgid(0, group);
            (void)!write(ready[1], "r", 1);
            for (;;)
                pause();
        }
        if (!group)
            group = child;
        setpgid(child, group);
    }
    char c[3];
    for (int got = 0; got < 3;)
        got += static_cast<int>(read(ready[0], c, 3));
    CHECK_EQ(kill(-group, SIGTERM), 0);
    for (int i = 0; i < 3; ++i) {
        int status;
        CHECK(waitpid(-group, &status, 0) > 0);
        CHECK_EQ(WTERMSIG(status), SIGTERM);
    }
    CHECK_ERRNO(kill(-group, 0), ESRCH);
}

TEST(signals, interval_timer_repeats)
{
    handle(SIGALRM);
    itimerval t{{0, 10'000}, {0, 10'000}};
    CHECK_EQ(setitimer(ITIMER_REAL, &t, nullptr), 0);
    while (count < 5)
        pause();
    itimerval off{}, old{};
    CHECK_EQ(setitimer(ITIMER_REAL, &off, &old), 0);
    CHECK_EQ(old.it_interval.tv_usec, 10'000);
    CHECK_EQ(alarm(100), 0u);
    CHECK(alarm(0) > 98);
}

TEST(signals, virtual_timer_counts_cpu_time)
{
    handle(SIGVTALRM);
    itimerval t{{0, 0}, {0, 30'000}};
    CHECK_EQ(setitimer(ITIMER_VIRTUAL, &t, nullptr), 0);
    usleep(60'000);
    CHECK_EQ(count, 0);
    while (!count) {}
    CHECK_EQ(last, SIGVTALRM);
}

TEST(signals, broken_pipe)
{
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    close(fds[0]);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(write(fds[1], "x", 1), EPIPE);
    handle(SIGPIPE);
    CHECK_ERRNO(write(fds[1], "x", 1), EPIPE);
    CHECK_EQ(count, 1);
}

TEST(signals, exec_resets_handlers_keeps_ignored_and_mask)
{
    int status = child_status([] {
        handle(SIGUSR1);
        signal(SIGUSR2, SIG_IGN);
        block(SIGHUP);
        execl("/bin/sh", "sh", "-c", "kill -HUP $$; kill -USR2 $$; kill -USR1 $$; exit 1", nullptr);
        _exit(127);
    });
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

TEST(signals, ppoll_swaps_the_mask)
{
    handle(SIGUSR1);
    block(SIGUSR1);
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    timespec long_time{10, 0};
    CHECK_ERRNO(ppoll(nullptr, 0, &long_time, &none), EINTR);
    CHECK_EQ(count, 1);
}
