// SPDX-License-Identifier: MIT
// Clocks, sleeping, timers.
#include "test.hpp"
#include <csignal>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

using namespace posix;

namespace {
long long now(clockid_t clock)
{
    timespec t;
    CHECK_EQ(clock_gettime(clock, &t), 0);
    return t.tv_sec * 1'000'000'000ll + t.tv_nsec;
}
}  // namespace

TEST(time, clocks_go_forward_and_agree)
{
    long long last = now(CLOCK_MONOTONIC);
    for (int i = 0; i < 10'000; ++i) {
        long long t = now(CLOCK_MONOTONIC);
        CHECK(t >= last);
        last = t;
    }
    CHECK(now(CLOCK_REALTIME) > 1'600'000'000ll * 1'000'000'000);
    timeval tv;
    CHECK_EQ(gettimeofday(&tv, nullptr), 0);
    CHECK(std::abs(now(CLOCK_REALTIME) / 1'000'000'000 - tv.tv_sec) <= 1);
    CHECK(std::abs(time(nullptr) - tv.tv_sec) <= 1);
    timespec unused;
    CHECK_ERRNO(clock_gettime(77, &unused), EINVAL);
    timespec resolution;
    CHECK_EQ(clock_getres(CLOCK_MONOTONIC, &resolution), 0);
    CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
}

TEST(time, sleeping_takes_at_least_as_long_as_asked)
{
    for (long ns : {1l, 1'000'000l, 37'000'000l}) {
        auto start = now(CLOCK_MONOTONIC);
        timespec t{0, ns};
        CHECK_EQ(nanosleep(&t, nullptr), 0);
        CHECK(now(CLOCK_MONOTONIC) - start >= ns);
    }
    timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 0;
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr), 0);
    timespec bad{0, -1};
    CHECK_ERRNO(nanosleep(&bad, nullptr), EINVAL);
    CHECK_EQ(clock_nanosleep(99, 0, &until, nullptr), EINVAL);
}

TEST(time, both_time_widths_of_the_abi)
{
    struct {
        long long s, ns;
    } wide{};
    CHECK_EQ(syscall(SYS_clock_gettime64, CLOCK_REALTIME, &wide), 0);
    CHECK(std::abs(wide.s - time(nullptr)) <= 1);
    struct {
        int s, ns;
    } narrow{};
    CHECK_EQ(syscall(SYS_clock_gettime, CLOCK_REALTIME, &narrow), 0);
    CHECK(std::abs(narrow.s - wide.s) <= 1);
    struct {
        long long s;
        long ns, pad;
    } nap{0, 1000, 0};
    CHECK_EQ(syscall(SYS_clock_nanosleep_time64, CLOCK_MONOTONIC, 0, &nap, nullptr), 0);
}

TEST(time, processor_time_stands_still_while_sleeping)
{
    auto start = now(CLOCK_PROCESS_CPUTIME_ID);
    usleep(100'000);
    auto slept = now(CLOCK_PROCESS_CPUTIME_ID) - start;
    CHECK(slept < 90'000'000);
    auto real = now(CLOCK_MONOTONIC);
    while (now(CLOCK_PROCESS_CPUTIME_ID) - start - slept < 20'000'000) {}
    CHECK(now(CLOCK_MONOTONIC) - real >= 19'000'000);
}

TEST(time, posix_timers)
{
    static volatile std::sig_atomic_t fired;
    static int value;
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t *info, void *) {
        fired = fired + 1;
        value = info->si_code == SI_TIMER ? info->si_value.sival_int : -1;
    };
    sigaction(SIGRTMIN, &action, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN;
    event.sigev_value.sival_int = 99;
    timer_t timer;
    CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    itimerspec spec{{0, 10'000'000}, {0, 10'000'000}};
    CHECK_EQ(timer_settime(timer, 0, &spec, nullptr), 0);
    while (fired < 3)
        pause();
    CHECK_EQ(value, 99);
    CHECK_EQ(timer_gettime(timer, &spec), 0);
    CHECK_EQ(spec.it_interval.tv_nsec, 10'000'000);
    CHECK_EQ(timer_delete(timer), 0);
    CHECK_ERRNO(syscall(SYS_timer_delete, 4711), EINVAL);
}

TEST(time, timer_descriptors)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    CHECK(fd >= 0);
    unsigned long long n;
    CHECK_ERRNO(read(fd, &n, sizeof n), EAGAIN);
    itimerspec spec{{0, 5'000'000}, {0, 5'000'000}};
    CHECK_EQ(timerfd_settime(fd, 0, &spec, nullptr), 0);
    pollfd p{fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 5000), 1);
    usleep(30'000);
    CHECK_EQ(read(fd, &n, sizeof n), 8);
    CHECK(n >= 5);
}

TEST(time, uptime_grows)
{
    struct sysinfo a;
    CHECK_EQ(sysinfo(&a), 0);
    CHECK(a.totalram > 0 && a.freeram <= a.totalram && a.procs > 0);
    FILE *f = std::fopen("/proc/uptime", "r");
    double up = 0, idle = 0;
    CHECK(f && std::fscanf(f, "%lf %lf", &up, &idle) == 2);
    CHECK(up > 0 && up + 2 >= static_cast<double>(a.uptime));
}
