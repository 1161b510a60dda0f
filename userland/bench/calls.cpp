// SPDX-License-Identifier: MIT
// System calls that do little: what remains is the way into the kernel and back.
#include "bench.hpp"
#include <asm/unistd.h>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {
struct NullCallByInterrupt {
    void run(unsigned n)
    {
        for (; n; --n) {
            long result;
            asm volatile("int $0x80" : "=a"(result) : "0"(__NR_getppid) : "memory");
        }
    }
};
Row<NullCallByInterrupt> const null_by_interrupt{"null call (int 0x80)", 1000};

// What the kernel recommends: AT_SYSINFO points to code that takes the fastest way.
struct NullCallByVdso {
    static bool possible() { return getauxval(AT_SYSINFO) != 0; }
    void run(unsigned n)
    {
        auto enter = getauxval(AT_SYSINFO);
        for (; n; --n) {
            long result;
            asm volatile("call *%1" : "=a"(result) : "r"(enter), "0"(__NR_getppid) : "memory");
        }
    }
};
Row<NullCallByVdso> const null_by_vdso{"null call (vDSO)", 1000};

struct OneByte {
    OneByte(char const *path, bool writing) : fd{open(path, writing ? O_WRONLY : O_RDONLY)}, writes{writing}
    {
        check(fd >= 0, path);
    }
    ~OneByte() { close(fd); }
    void run(unsigned n)
    {
        char byte = 0;
        for (; n; --n)
            check((writes ? write(fd, &byte, 1) : read(fd, &byte, 1)) == 1, "one byte");
    }
    int fd;
    bool writes;
};
Row<OneByte> const read_row{"read 1 byte", 500, "/dev/zero", false};
Row<OneByte> const write_row{"write 1 byte", 500, "/dev/null", true};

constexpr char const *some_file = "/tmp/bench/directory/file";

struct WithFile {
    WithFile()
    {
        mkdir("/tmp", 0777);
        mkdir("/tmp/bench", 0777);
        mkdir("/tmp/bench/directory", 0777);
        int fd = open(some_file, O_RDWR | O_CREAT | O_TRUNC, 0666);
        check(fd >= 0, some_file);
        close(fd);
    }
};
struct Stat : WithFile {
    void run(unsigned n)
    {
        struct stat s;
        for (; n; --n)
            check(stat(some_file, &s) == 0, "stat");
    }
};
Row<Stat> const stat_row{"stat", 100};

struct OpenClose : WithFile {
    void run(unsigned n)
    {
        for (; n; --n) {
            int fd = open(some_file, O_RDONLY);
            check(fd >= 0, "open");
            close(fd);
        }
    }
};
Row<OpenClose> const open_row{"open+close", 50};

struct Select100 {
    Select100()
    {
        check(pipe(ends) == 0, "pipe");
        for (int i = 0; i < 100; ++i)
            fds.push_back(dup(ends[0]));
        check(fds.back() >= 0, "dup");
    }
    ~Select100()
    {
        for (int fd : fds)
            close(fd);
        close(ends[0]);
        close(ends[1]);
    }
    void run(unsigned n)
    {
        for (; n; --n) {
            fd_set set;
            FD_ZERO(&set);
            for (int fd : fds)
                FD_SET(fd, &set);
            timeval none{};
            check(select(fds.back() + 1, &set, nullptr, nullptr, &none) == 0, "select");
        }
    }
    int ends[2];
    std::vector<int> fds;
};
Row<Select100> const select_row{"select on 100", 50};

struct Yield {
    void run(unsigned n)
    {
        for (; n; --n)
            sched_yield();
    }
};
Row<Yield> const yield_row{"sched_yield", 500};

struct Clock {
    void run(unsigned n)
    {
        timespec t;
        for (; n; --n)
            clock_gettime(CLOCK_MONOTONIC, &t);
    }
};
Row<Clock> const clock_row{"clock_gettime", 500};
}  // namespace
}  // namespace bench
