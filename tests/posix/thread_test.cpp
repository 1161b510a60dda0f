// SPDX-License-Identifier: MIT
// Threads, futexes, thread-local storage.
#include "test.hpp"
#include <atomic>
#include <csignal>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace posix;

namespace {
long futex(std::atomic<int> *word, int op, int value, timespec const *timeout = nullptr,
           std::atomic<int> *word2 = nullptr, int value3 = 0)
{
    return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}
thread_local int mine = 1;
thread_local std::string mine_too = "fresh";
}  // namespace

TEST(threads, create_join_and_thread_local_storage)
{
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i)
        threads.emplace_back([&sum, i] {
            CHECK_EQ(mine, 1);
            CHECK_EQ(mine_too, "fresh");
            mine = i;
            mine_too += std::to_string(i);
            sched_yield();
            CHECK_EQ(mine, i);
            CHECK_EQ(mine_too, "fresh" + std::to_string(i));
            sum += i;
        });
    for (auto &t : threads)
        t.join();
    CHECK_EQ(sum.load(), 190);
    CHECK_EQ(mine, 1);
}

TEST(threads, same_process_other_tid)
{
    pid_t pid = getpid();
    std::thread t([pid] {
        CHECK_EQ(getpid(), pid);
        CHECK(gettid() != pid);
        CHECK_EQ(kill(pid, 0), 0);
        CHECK_EQ(syscall(SYS_tgkill, pid, gettid(), 0), 0);
        CHECK_ERRNO(syscall(SYS_tgkill, pid + 12345, gettid(), 0), ESRCH);
    });
    t.join();
    CHECK_EQ(gettid(), pid);
}

TEST(threads, mutexes_under_contention)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    long counter = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 2000; ++n) {
                pthread_mutex_lock(&mutex);
                long c = counter;
                if (n % 100 == 0)
                    sched_yield();
                counter = c + 1;
                pthread_mutex_unlock(&mutex);
            }
        });
    for (auto &t : threads)
        t.join();
    CHECK_EQ(counter, 16000);
}

TEST(threads, condition_variables_and_timeouts)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    int stage = 0;
    std::thread t([&] {
        pthread_mutex_lock(&mutex);
        stage = 1;
        pthread_cond_signal(&condition);
        while (stage != 2)
            pthread_cond_wait(&condition, &mutex);
        pthread_mutex_unlock(&mutex);
    });
    pthread_mutex_lock(&mutex);
    while (stage != 1)
        pthread_cond_wait(&condition, &mutex);
    stage = 2;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    t.join();

    timespec when;
    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_nsec += 30'000'000;
    if (when.tv_nsec >= 1'000'000'000)
        when.tv_nsec -= 1'000'000'000, ++when.tv_sec;
    pthread_mutex_lock(&mutex);
    CHECK_EQ(pthread_cond_timedwait(&condition, &mutex, &when), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

TEST(threads, futex_rules)
{
    std::atomic<int> word{5};
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 4), EAGAIN);
    timespec soon{0, 20'000'000};
    CHECK_ERRNO(futex(&word, FUTEX_WAIT_PRIVATE, 5, &soon), ETIMEDOUT);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10), 0);
    CHECK_ERRNO(futex(reinterpret_cast<std::atomic<int> *>(reinterpret_cast<char *>(&word) + 1), FUTEX_WAKE_PRIVATE, 1),
                EINVAL);
    CHECK_ERRNO(futex(reinterpret_cast<std::atomic<int> *>(16), FUTEX_WAIT, 0), EFAULT);

    std::atomic<int> woken{0}, other{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            while (futex(&word, FUTEX_WAIT_PRIVATE, 5) != 0 && errno == EINTR) {}
            ++woken;
        });
    // CMP_REQUEUE with nobody to wake moves the sleepers to `other`; it returns how many.
    long moved = 0;
    CHECK(eventually([&] {
        moved += futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, reinterpret_cast<timespec *>(4), &other, 5);
        return moved == 4;
    }));
    CHECK_ERRNO(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, reinterpret_cast<timespec *>(4), &other, 99), EAGAIN);
    CHECK_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 10), 0);
    CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 1), 1);
    CHECK(eventually([&] { return woken == 1; }));
    CHECK_EQ(futex(&other, FUTEX_WAKE_PRIVATE, 10), 3);
    for (auto &t : threads)
        t.join();
}

TEST(threads, futex_bitset_wakes_only_its_own)
{
    static std::atomic<int> word{0}, a{0}, b{0};
    std::thread one([] {
        while (!a)
            if (futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, 1) == 0)
                a = 1;
    });
    std::thread two([] {
        while (!b)
            if (futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, 2) == 0)
                b = 1;
    });
    CHECK(eventually([] { return futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, nullptr, nullptr, 2) == 1; }));
    CHECK(eventually([] { return b == 1; }));
    CHECK_EQ(a.load(), 0);
    CHECK(eventually([] { return futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, nullptr, nullptr, 1) == 1; }));
    one.join();
    two.join();
}

TEST(threads, futexes_are_shared_between_processes)
{
    static std::atomic<int> *word;
    word = static_cast<std::atomic<int> *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    pid_t child = fork();
    if (child == 0) {
        while (*word == 0)
            futex(word, FUTEX_WAIT, 0);
        _exit(*word);
    }
    usleep(30'000);
    *word = 6;
    CHECK(futex(word, FUTEX_WAKE, 1) <= 1);
    int status;
    waitpid(child, &status, 0);
    CHECK_EQ(WEXITSTATUS(status), 6);
}

TEST(threads, robust_mutexes_tell_of_a_dead_owner)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, &attributes);
    std::thread t([&] { pthread_mutex_lock(&mutex); });
    t.join();
    CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(&mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
}

TEST(threads, exceptions_cross_frames)
{
    std::thread t([] {
        try {
            throw std::runtime_error("thrown");
        } catch (std::exception const &e) {
            CHECK_EQ(std::string{e.what()}, "thrown");
        }
    });
    t.join();
}

TEST(threads, signals_go_to_a_thread_that_wants_them)
{
    static std::atomic<pid_t> taken_by{0};
    signal(SIGUSR1, [](int) { taken_by = gettid(); });
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    std::atomic<pid_t> tid{0};
    std::atomic<bool> stop{false};
    std::thread t([&] {
        tid = gettid();
        while (!stop)
            usleep(1000);
    });
    CHECK(eventually([&] { return tid != 0; }));
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    kill(getpid(), SIGUSR1);
    CHECK(eventually([&] { return taken_by == tid; }));
    taken_by = 0;
    CHECK_EQ(pthread_kill(t.native_handle(), SIGUSR1), 0);
    CHECK(eventually([&] { return taken_by == tid; }));
    stop = true;
    t.join();
}

TEST(threads, exit_group_ends_all_threads)
{
    int status = child_status([] {
        for (int i = 0; i < 4; ++i)
            std::thread([] {
                for (;;)
                    pause();
            }).detach();
        std::thread([] { _exit(21); }).detach();
        for (;;)
            pause();
    });
    CHECK_EQ(WEXITSTATUS(status), 21);
}

TEST(threads, exec_from_a_thread_replaces_the_process)
{
    static pid_t pid;
    int gate[2];
    CHECK_EQ(pipe(gate), 0);
    pid = fork();
    if (pid == 0) {
        dup2(gate[1], 1);
        std::thread([] { execl("/bin/sh", "sh", "-c", "echo $$; exit 12", nullptr); }).detach();
        for (;;)
            pause();
    }
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(WEXITSTATUS(status), 12);
    char text[20] = {};
    CHECK(read(gate[0], text, sizeof text - 1) > 0);
    CHECK_EQ(std::atoi(text), pid);
}

TEST(threads, main_thread_may_leave_first)
{
    int status = child_status([] {
        std::thread([] {
            usleep(50'000);
            _exit(8);
        }).detach();
        pthread_exit(nullptr);
    });
    CHECK_EQ(WEXITSTATUS(status), 8);
}

TEST(threads, busy_threads_share_the_processor)
{
    std::atomic<long> a{0}, b{0};
    std::atomic<bool> stop{false};
    std::thread one([&] {
        while (!stop)
            ++a;
    }),
        two([&] {
            while (!stop)
                ++b;
        });
    CHECK(eventually([&] { return a > 1000 && b > 1000; }));
    stop = true;
    one.join();
    two.join();
}

TEST(threads, floating_point_state_is_per_thread)
{
    std::vector<std::thread> threads;
    for (int i = 1; i <= 4; ++i)
        threads.emplace_back([i] {
            double x = i;
            for (int n = 0; n < 200; ++n) {
                x = x * 1.5;
                if (n % 10 == 0)
                    sched_yield();
                x = x / 1.5;
            }
            CHECK(x > i - 0.001 && x < i + 0.001);
        });
    for (auto &t : threads)
        t.join();
}
