// SPDX-License-Identifier: MIT
// vdso(7): the way into the kernel that AT_SYSINFO names, the clocks that need no system call, and the ends of signal handlers.
#include "test.hpp"
#include <csignal>
#include <elf.h>
#include <fcntl.h>
#include <fstream>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace posix;

namespace {
// All registers that a system call takes, and what they hold afterwards.
struct Registers {
    long eax, ebx, ecx, edx, esi, edi, ebp;
};
extern "C" void vdso_test_call(Registers *, unsigned long entry);
asm(R"(
    .text
vdso_test_call:
    push %ebp
    push %ebx
    push %esi
    push %edi
    mov 20(%esp), %eax
    push 24(%esp)
    push %eax
    mov 4(%eax), %ebx
    mov 8(%eax), %ecx
    mov 12(%eax), %edx
    mov 16(%eax), %esi
    mov 20(%eax), %edi
    mov 24(%eax), %ebp
    mov (%eax), %eax
    call *4(%esp)
    push %eax
    mov 4(%esp), %eax
    mov %ebx, 4(%eax)
    mov %ecx, 8(%eax)
    mov %edx, 12(%eax)
    mov %esi, 16(%eax)
    mov %edi, 20(%eax)
    mov %ebp, 24(%eax)
    pop (%eax)
    add $8, %esp
    pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret
)");

long call(Registers &r)
{
    auto entry = getauxval(AT_SYSINFO);
    CHECK(entry != 0);
    auto before = r;
    vdso_test_call(&r, entry);
    CHECK(r.ebx == before.ebx && r.ecx == before.ecx && r.edx == before.edx && r.esi == before.esi
          && r.edi == before.edi && r.ebp == before.ebp);
    return r.eax;
}
long call(long number, long a = 0, long b = 0, long c = 0)
{
    Registers r{number, a, b, c, 0, 0, 0};
    return call(r);
}

// A function of the shared object that AT_SYSINFO_EHDR points to; nullptr: it has none of that name.
void *symbol(char const *name)
{
    auto image = getauxval(AT_SYSINFO_EHDR);
    CHECK(image != 0);
    auto &header = *reinterpret_cast<Elf32_Ehdr const *>(image);
    CHECK(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0);
    auto segments = reinterpret_cast<Elf32_Phdr const *>(image + header.e_phoff);
    unsigned long base = 0, dynamic = 0;
    for (int i = 0; i < header.e_phnum; ++i) {
        if (segments[i].p_type == PT_LOAD)
            base = image - segments[i].p_vaddr;
        if (segments[i].p_type == PT_DYNAMIC)
            dynamic = segments[i].p_vaddr;
    }
    CHECK(dynamic != 0);
    Elf32_Sym const *symbols = nullptr;
    char const *names = nullptr;
    Elf32_Word const *hash = nullptr;
    for (auto d = reinterpret_cast<Elf32_Dyn const *>(base + dynamic); d->d_tag != DT_NULL; ++d) {
        if (d->d_tag == DT_SYMTAB)
            symbols = reinterpret_cast<Elf32_Sym const *>(base + d->d_un.d_ptr);
        if (d->d_tag == DT_STRTAB)
            names = reinterpret_cast<char const *>(base + d->d_un.d_ptr);
        if (d->d_tag == DT_HASH)
            hash = reinterpret_cast<Elf32_Word const *>(base + d->d_un.d_ptr);
    }
    CHECK(symbols && names && hash);
    for (Elf32_Word i = 0; i < hash[1]; ++i)
        if (std::strcmp(names + symbols[i].st_name, name) == 0 && symbols[i].st_shndx != SHN_UNDEF)
            return reinterpret_cast<void *>(base + symbols[i].st_value);
    return nullptr;
}

using ClockGettime = int (*)(int, timespec *);

long long nanoseconds(timespec const &t) { return t.tv_sec * 1'000'000'000ll + t.tv_nsec; }
long long by_kernel(int clock)
{
    timespec t;
    CHECK_EQ(syscall(SYS_clock_gettime, clock, &t), 0);
    return nanoseconds(t);
}

volatile int caught;
void catch_signal(int) { caught = caught + 1; }
void catch_with_info(int, siginfo_t *info, void *)
{
    if (info->si_pid == getpid())
        caught = caught + 1;
}
}  // namespace

TEST(vdso, system_calls_by_the_recommended_way)
{
    for (int i = 0; i < 1000; ++i)
        CHECK_EQ(call(SYS_getpid), getpid());
    CHECK_EQ(call(SYS_close, -1), -EBADF);
    CHECK_EQ(call(100'000), -ENOSYS);
    CHECK_EQ(call(SYS_write, -1, 1, 1), -EBADF);
}

TEST(vdso, a_call_with_six_arguments)
{
    char page[4096];
    int fd = open("six", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 3; ++i) {
        std::memset(page, 'a' + i, sizeof page);
        CHECK_EQ(write(fd, page, sizeof page), 4096);
    }
    Registers r{SYS_mmap2, 0, 4096, PROT_READ, MAP_SHARED, fd, 2};
    auto at = reinterpret_cast<char const *>(call(r));
    CHECK(reinterpret_cast<unsigned long>(at) < 0xffff'f000);
    CHECK(at[0] == 'c' && at[4095] == 'c');
}

TEST(vdso, an_interrupted_call_is_restarted)
{
    int pipe_ends[2];
    CHECK_EQ(pipe(pipe_ends), 0);
    struct sigaction action = {};
    action.sa_handler = [](int) {
        caught = caught + 1;
        alarm(0);
    };
    action.sa_flags = SA_RESTART;
    CHECK_EQ(sigaction(SIGALRM, &action, nullptr), 0);
    pid_t writer = fork();
    if (writer == 0) {
        pid_t reader = getppid();
        usleep(50'000);
        kill(reader, SIGALRM);
        usleep(50'000);
        _exit(write(pipe_ends[1], "x", 1) != 1);
    }
    char byte = 0;
    CHECK_EQ(call(SYS_read, pipe_ends[0], reinterpret_cast<long>(&byte), 1), 1);
    CHECK_EQ(byte, 'x');
    CHECK_EQ(caught, 1);
    action.sa_flags = 0;
    CHECK_EQ(sigaction(SIGALRM, &action, nullptr), 0);
    itimerval soon = {{0, 0}, {0, 20'000}};
    CHECK_EQ(setitimer(ITIMER_REAL, &soon, nullptr), 0);
    CHECK_EQ(call(SYS_read, pipe_ends[0], reinterpret_cast<long>(&byte), 1), -EINTR);
    int status;
    CHECK_EQ(waitpid(writer, &status, 0), writer);
    CHECK_EQ(status, 0);
}

TEST(vdso, handlers_without_a_restorer_return)
{
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask[2];
    } action = {reinterpret_cast<void *>(&catch_signal), 0, nullptr, {0, 0}};
    CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &action, nullptr, 8), 0);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(caught, 1);
    action.handler = reinterpret_cast<void *>(&catch_with_info);
    action.flags = SA_SIGINFO;
    CHECK_EQ(syscall(SYS_rt_sigaction, SIGUSR1, &action, nullptr, 8), 0);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0);
    CHECK_EQ(caught, 2);
}

TEST(vdso, clocks_agree_with_the_kernel)
{
    auto clock = reinterpret_cast<ClockGettime>(symbol("__vdso_clock_gettime"));
    CHECK(clock != nullptr);
    for (int id : {CLOCK_REALTIME, CLOCK_MONOTONIC})
        for (int i = 0; i < 3000; ++i) {
            timespec t;
            auto before = by_kernel(id);
            CHECK_EQ(clock(id, &t), 0);
            auto after = by_kernel(id);
            CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1'000'000'000);
            CHECK(before <= nanoseconds(t) && nanoseconds(t) <= after);
        }
    timespec t;
    CHECK_EQ(clock(77, &t), -EINVAL);
    CHECK_EQ(clock(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    auto used = by_kernel(CLOCK_PROCESS_CPUTIME_ID);
    CHECK(nanoseconds(t) <= used);
}

TEST(vdso, the_other_clock_functions)
{
    struct Wide {
        long long seconds;
        long ns, padding;
    } wide = {};
    auto clock64 = reinterpret_cast<int (*)(int, Wide *)>(symbol("__vdso_clock_gettime64"));
    auto of_day = reinterpret_cast<int (*)(timeval *, struct timezone *)>(symbol("__vdso_gettimeofday"));
    auto seconds = reinterpret_cast<time_t (*)(time_t *)>(symbol("__vdso_time"));
    auto resolution = reinterpret_cast<ClockGettime>(symbol("__vdso_clock_getres"));
    CHECK(clock64 && of_day && seconds && resolution);
    auto before = by_kernel(CLOCK_REALTIME);
    CHECK_EQ(clock64(CLOCK_REALTIME, &wide), 0);
    timeval tv;
    CHECK_EQ(of_day(&tv, nullptr), 0);
    auto after = by_kernel(CLOCK_REALTIME);
    auto ns = wide.seconds * 1'000'000'000 + wide.ns;
    CHECK(before <= ns && ns <= after);
    CHECK(before / 1000 <= tv.tv_sec * 1'000'000ll + tv.tv_usec && tv.tv_sec * 1'000'000ll + tv.tv_usec <= after / 1000);
    time_t stored = 0, now = seconds(&stored);
    CHECK(now == stored && std::abs(now - tv.tv_sec) <= 1);
    timespec step;
    CHECK_EQ(resolution(CLOCK_MONOTONIC, &step), 0);
    CHECK(step.tv_sec == 0 && step.tv_nsec >= 1);
}

TEST(vdso, it_is_mapped_under_its_names)
{
    std::ifstream maps{"/proc/self/maps"};
    unsigned long vdso = 0;
    bool data = false;
    for (std::string line; std::getline(maps, line);) {
        if (line.find("[vdso]") != std::string::npos) {
            CHECK(line.find("r-xp") != std::string::npos);
            vdso = std::stoul(line, nullptr, 16);
        }
        if (line.find("[vvar]") != std::string::npos) {
            CHECK(line.find("r--p") != std::string::npos);
            data = true;
        }
    }
    CHECK_EQ(vdso, getauxval(AT_SYSINFO_EHDR));
    CHECK(data);
    CHECK_ERRNO(read(open("/dev/zero", O_RDONLY), reinterpret_cast<void *>(vdso), 1), EFAULT);
}

TEST(vdso, single_steps_through_a_call)
{
    struct sigaction action = {};
    action.sa_handler = catch_signal;
    CHECK_EQ(sigaction(SIGTRAP, &action, nullptr), 0);
    auto entry = getauxval(AT_SYSINFO);
    long pid;
    asm volatile("pushf\n\t"
                 "orl $0x100, (%%esp)\n\t"
                 "popf\n\t"
                 "call *%1\n\t"
                 "pushf\n\t"
                 "andl $~0x100, (%%esp)\n\t"
                 "popf"
                 : "=a"(pid)
                 : "S"(entry), "0"(SYS_getpid)
                 : "memory", "cc");
    CHECK_EQ(pid, getpid());
    CHECK(caught >= 8);
    int before = caught;
    CHECK_EQ(call(SYS_getpid), getpid());
    CHECK_EQ(caught, before);
}

// sysenter anywhere, with a stack pointer that leads nowhere, and with the flag of a nested task: the program's own fault.
TEST(vdso, wild_entries_end_the_program_alone)
{
    static unsigned long const stacks[] = {0, 1, 0xbfff'ffff, 0xc000'0000, 0xfc00'0000, 0xffff'fffc, 0xffff'ffff};
    static unsigned long stack;
    for (auto s : stacks) {
        stack = s;
        int status = child_status([] {
            asm volatile("mov %0, %%ebp\n\t"
                         "mov %1, %%eax\n\t"
                         "sysenter"
                         :
                         : "r"(stack), "i"(SYS_getpid)
                         : "memory");
        });
        CHECK(WIFSIGNALED(status));
    }
    int status = child_status([] {
        long pid;
        asm volatile("pushf\n\t"
                     "orl $0x4000, (%%esp)\n\t"
                     "popf\n\t"
                     "call *%1"
                     : "=a"(pid)
                     : "S"(getauxval(AT_SYSINFO)), "0"(SYS_getpid)
                     : "memory", "cc");
        _exit(pid == getpid() ? 0 : 1);
    });
    CHECK_EQ(status, 0);
}
