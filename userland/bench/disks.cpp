// SPDX-License-Identifier: MIT
// What a disk gives. Past all caches: 4 and 128 KB at a time, in a row and at random, by one thread and by sixteen at once. Through the page
// cache, and past it: Debian's dd. Answers are lines "@disk NAME MICROSECONDS": for one transfer, or one dd, the least of several batches.
#include "bench.hpp"
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {
constexpr off_t region = 32 << 20;  // of the disk is used

struct Shape {
    char const *name;
    bool writes, random;
    unsigned bytes, depth;
};
constexpr Shape shapes[] = {
    {"read 4k, in a row", false, false, 4 << 10, 1},
    {"read 4k, in a row, 16 at once", false, false, 4 << 10, 16},
    {"read 4k, random", false, true, 4 << 10, 1},
    {"read 4k, random, 16 at once", false, true, 4 << 10, 16},
    {"read 128k, in a row", false, false, 128 << 10, 1},
    {"read 128k, in a row, 16 at once", false, false, 128 << 10, 16},
    {"read 128k, random", false, true, 128 << 10, 1},
    {"read 128k, random, 16 at once", false, true, 128 << 10, 16},
    {"write 4k, in a row", true, false, 4 << 10, 1},
    {"write 4k, in a row, 16 at once", true, false, 4 << 10, 16},
    {"write 4k, random", true, true, 4 << 10, 1},
    {"write 4k, random, 16 at once", true, true, 4 << 10, 16},
    {"write 128k, in a row", true, false, 128 << 10, 1},
    {"write 128k, in a row, 16 at once", true, false, 128 << 10, 16},
    {"write 128k, random", true, true, 128 << 10, 1},
    {"write 128k, random, 16 at once", true, true, 128 << 10, 16},
};

double now_us()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

// Threads that make one batch of transfers each time that batch() is called.
class Load {
public:
    Load(int fd, Shape const &shape)
        : fd_{fd}, shape_{shape}, each_{(shape.bytes > 4096 ? 8 : 32) / std::min(shape.depth, 8u)}
    {
        pthread_barrier_init(&begin_, nullptr, shape.depth + 1);
        pthread_barrier_init(&end_, nullptr, shape.depth + 1);
        for (unsigned i = 0; i < shape.depth; ++i)
            threads_.emplace_back([this, i] { serve(i); });
    }
    ~Load()
    {
        over_ = true;
        pthread_barrier_wait(&begin_);
        for (auto &t : threads_)
            t.join();
        pthread_barrier_destroy(&begin_);
        pthread_barrier_destroy(&end_);
    }
    Load(Load const &) = delete;
    Load &operator=(Load const &) = delete;
    double batch()  // microseconds for one transfer
    {
        auto const start = now_us();
        pthread_barrier_wait(&begin_);
        pthread_barrier_wait(&end_);
        return (now_us() - start) / (each_ * shape_.depth);
    }

private:
    void serve(unsigned number)
    {
        auto *buffer = static_cast<char *>(std::aligned_alloc(4096, shape_.bytes));
        check(buffer != nullptr, "a buffer");
        std::fill_n(buffer, shape_.bytes, 'x');
        std::uint32_t state = 2463534242u + number;
        for (;;) {
            pthread_barrier_wait(&begin_);
            if (over_)
                break;
            for (unsigned i = 0; i < each_; ++i)
                transfer(buffer, state);
            pthread_barrier_wait(&end_);
        }
        std::free(buffer);
    }
    void transfer(char *buffer, std::uint32_t &state)
    {
        auto const blocks = static_cast<std::uint32_t>(region / shape_.bytes);
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;  // Marsaglia's xorshift
        auto const block = (shape_.random ? state : next_++) % blocks;
        auto const at = static_cast<off_t>(block) * shape_.bytes;
        auto const n = shape_.writes ? pwrite(fd_, buffer, shape_.bytes, at) : pread(fd_, buffer, shape_.bytes, at);
        check(n == static_cast<ssize_t>(shape_.bytes), shape_.name);
    }

    int const fd_;
    Shape const &shape_;
    unsigned const each_;
    std::atomic<std::uint32_t> next_ = 0;
    std::atomic<bool> over_ = false;
    pthread_barrier_t begin_, end_;
    std::vector<std::thread> threads_;
};

// The least of batches, for so many seconds.
template <class Batch>
void report(char const *name, unsigned seconds, Batch batch)
{
    double least = batch();
    for (auto const end = now_us() + seconds * 1e6; now_us() < end;)
        least = std::min(least, batch());
    std::printf("@disk\t%s\t%.3f\n", name, least);
    std::fflush(stdout);
}

// Linux as Debian builds it has the disk's driver in modules.
void load_modules()
{
    for (auto name :
         {"virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"}) {
        int fd = open((std::string{"/modules/"} + name + ".ko").c_str(), O_RDONLY);
        if (fd < 0)
            return;
        check(syscall(SYS_finit_module, fd, "", 0) == 0, name);
        close(fd);
    }
}

std::string find_disk()
{
    for (int tries = 0; tries < 100; ++tries, usleep(100'000))
        for (auto name : {"/dev/xvda", "/dev/vda"})
            if (access(name, R_OK | W_OK) == 0)
                return name;
    fail("there is no disk /dev/vda or /dev/xvda");
}

void time_command(char const *name, unsigned seconds, std::string const &command)
{
    report(name, seconds, [&] {
        auto const start = now_us();
        if (run_command(command) != 0)
            fail(command + " failed");
        return now_us() - start;
    });
}
}  // namespace

void run_disks(unsigned seconds)
{
    load_modules();
    auto const disk = find_disk();
    int fd = open(disk.c_str(), O_RDWR | O_DIRECT);
    check(fd >= 0, disk.c_str());
    for (auto const &shape : shapes) {
        Load load{fd, shape};
        report(shape.name, seconds, [&] { return load.batch(); });
    }
    close(fd);
    time_command("dd read 16 MB, direct", seconds,
                 "dd if=" + disk + " of=/dev/null bs=1M count=16 iflag=direct 2>/dev/null");
    time_command("dd write 16 MB, fsync", seconds,
                 "dd if=/dev/zero of=" + disk + " bs=64k count=256 conv=fsync 2>/dev/null");
}
}  // namespace bench
