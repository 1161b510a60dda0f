// SPDX-License-Identifier: MIT
// Signals, and the faults that become signals.
#include "bench.hpp"
#include <csignal>
#include <sys/mman.h>
#include <unistd.h>

namespace bench {
namespace {
volatile unsigned caught;

void count(int) { caught = caught + 1; }

void handle(int signal, void (*handler)(int))
{
    struct sigaction a = {};
    a.sa_handler = handler;
    check(sigaction(signal, &a, nullptr) == 0, "sigaction");
}

struct Install {
    ~Install() { handle(SIGUSR1, SIG_DFL); }
    void run(unsigned n)
    {
        for (; n; --n)
            handle(SIGUSR1, count);
    }
};
Row<Install> const install_row{"signal install", 500};

struct Catch {
    Catch() { handle(SIGUSR1, count); }
    ~Catch() { handle(SIGUSR1, SIG_DFL); }
    void run(unsigned n)
    {
        auto self = getpid();
        for (; n; --n)
            kill(self, SIGUSR1);
    }
};
Row<Catch> const catch_row{"signal catch", 100};

// The handler changes nothing, so the store faults again when it returns: a fault and a signal for each operation.
unsigned faults_left;
char *protected_page;

void after_fault(int)
{
    if (--faults_left == 0)
        mprotect(protected_page, 4096, PROT_READ | PROT_WRITE);
}

struct ProtectionFault {
    ProtectionFault()
    {
        handle(SIGSEGV, after_fault);
        auto p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(p != MAP_FAILED, "mmap");
        protected_page = static_cast<char *>(p);
        *protected_page = 1;
    }
    ~ProtectionFault()
    {
        munmap(protected_page, 4096);
        handle(SIGSEGV, SIG_DFL);
    }
    void before(unsigned) { check(mprotect(protected_page, 4096, PROT_READ) == 0, "mprotect"); }
    void run(unsigned n)
    {
        faults_left = n;
        *static_cast<char volatile *>(protected_page) = 2;
    }
};
Row<ProtectionFault> const protection_row{"protection fault, caught", 100};
}  // namespace
}  // namespace bench
