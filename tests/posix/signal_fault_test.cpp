// SPDX-License-Identifier: MIT
// Signals that a program's own instructions raise.
#include "test.hpp"
#include <csignal>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace posix;

namespace {
volatile std::sig_atomic_t last;
siginfo_t last_info;
sigjmp_buf back;

void catch_faults()
{
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int signal, siginfo_t *info, void *) {
        last = signal;
        last_info = *info;
        siglongjmp(back, 1);
    };
    for (int s : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP})
        CHECK_EQ(sigaction(s, &action, nullptr), 0);
}

TEST(signals, faults_carry_address_and_code)
{
    catch_faults();
    auto nowhere = reinterpret_cast<volatile int *>(0x10);
    if (sigsetjmp(back, 1) == 0)
        *nowhere = 1;
    CHECK_EQ(last, SIGSEGV);
    CHECK_EQ(last_info.si_code, SEGV_MAPERR);
    CHECK(last_info.si_addr == reinterpret_cast<void *>(0x10));

    auto page = static_cast<volatile int *>(mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (sigsetjmp(back, 1) == 0)
        *page = 1;
    CHECK_EQ(last, SIGSEGV);
    CHECK_EQ(last_info.si_code, SEGV_ACCERR);

    int fd = open("short", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(ftruncate(fd, 100), 0);
    auto beyond = static_cast<volatile char *>(mmap(nullptr, 8192, PROT_READ, MAP_SHARED, fd, 0));
    CHECK_EQ(beyond[50], 0);
    if (sigsetjmp(back, 1) == 0)
        (void)beyond[5000];
    CHECK_EQ(last, SIGBUS);
    CHECK_EQ(last_info.si_code, BUS_ADRERR);

    last = 0;
    if (sigsetjmp(back, 1) == 0)
        asm volatile("div %0" ::"r"(0), "a"(1), "d"(0));
    CHECK_EQ(last, SIGFPE);
    CHECK_EQ(last_info.si_code, FPE_INTDIV);
    if (sigsetjmp(back, 1) == 0)
        asm volatile("ud2");
    CHECK_EQ(last, SIGILL);
    if (sigsetjmp(back, 1) == 0)
        asm volatile("int3");
    CHECK_EQ(last, SIGTRAP);
    last = 0;
    if (sigsetjmp(back, 1) == 0)
        asm volatile("hlt");
    CHECK_EQ(last, SIGSEGV);
}

// A program may send itself as many signals as it is let: what the kernel has to say of its next fault is not lost by that.
TEST(signals, a_fault_carries_its_address_when_the_queue_is_full)
{
    catch_faults();
    sigset_t realtime;
    sigemptyset(&realtime);
    sigaddset(&realtime, SIGRTMIN + 2);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &realtime, nullptr), 0);
    for (int i = 0; i < 9000 && sigqueue(getpid(), SIGRTMIN + 2, sigval{}) == 0; ++i)
        ;
    auto nowhere = reinterpret_cast<volatile int *>(0x20);
    for (int i = 0; i < 100; ++i) {
        last_info = {};
        if (sigsetjmp(back, 1) == 0)
            *nowhere = 1;
        CHECK_EQ(last_info.si_code, SEGV_MAPERR);
        CHECK(last_info.si_addr == reinterpret_cast<void *>(0x20));
    }
}

// A siginfo that says the kernel made it is no way round the limit.
TEST(signals, the_queue_is_limited_whatever_si_code_says)
{
    rlimit limit{4096, 4096};
    (void)setrlimit(RLIMIT_SIGPENDING, &limit);
    sigset_t realtime;
    sigemptyset(&realtime);
    sigaddset(&realtime, SIGRTMIN + 2);
    CHECK_EQ(sigprocmask(SIG_BLOCK, &realtime, nullptr), 0);
    siginfo_t info = {};
    info.si_code = SEGV_MAPERR;
    int sent = 0;
    while (sent < 20'000 && syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 2, &info) == 0)
        ++sent;
    CHECK_EQ(errno, EAGAIN);
    CHECK(sent < 20'000);
}
}  // namespace
