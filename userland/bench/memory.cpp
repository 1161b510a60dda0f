// SPDX-License-Identifier: MIT
// Page faults and mappings.
#include "bench.hpp"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {
constexpr unsigned page = 4096;

struct Mapping {
    Mapping(std::size_t size, int fd) : bytes{size}
    {
        auto flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
        auto p = mmap(nullptr, bytes, fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags, fd, 0);
        check(p != MAP_FAILED, "mmap");
        start = static_cast<char *>(p);
    }
    ~Mapping() { munmap(start, bytes); }
    Mapping(Mapping const &) = delete;
    Mapping &operator=(Mapping const &) = delete;
    char *start;
    std::size_t bytes;
};

struct File {
    explicit File(std::size_t bytes) : fd{open("/tmp/bench-memory", O_RDWR | O_CREAT | O_TRUNC, 0666)}
    {
        check(fd >= 0, "/tmp/bench-memory");
        std::vector<char> zeroes(bytes, 'x');
        check(write(fd, zeroes.data(), bytes) == static_cast<ssize_t>(bytes), "write");
    }
    ~File()
    {
        close(fd);
        unlink("/tmp/bench-memory");
    }
    int fd;
};

// Pages of a file that is in memory, one in every 16 touched: neighbours that a kernel maps along are not what is asked for.
struct PageFault {
    static constexpr unsigned stride = 16 * page;
    void before(unsigned n)
    {
        mapping.reset();
        mapping = std::make_unique<Mapping>(n * stride, file.fd);
    }
    void run(unsigned n)
    {
        char volatile *at = mapping->start;
        for (; n; --n, at += stride)
            static_cast<void>(*at);
    }
    File file{64 * stride};
    std::unique_ptr<Mapping> mapping;
};
Row<PageFault> const page_fault_row{"page fault", 64};

struct FirstTouch {
    void before(unsigned n)
    {
        mapping.reset();
        mapping = std::make_unique<Mapping>(n * page, -1);
    }
    void run(unsigned n)
    {
        char volatile *at = mapping->start;
        for (; n; --n, at += page)
            *at = 1;
    }
    std::unique_ptr<Mapping> mapping;
};
Row<FirstTouch> const first_touch_row{"first touch of a page", 100};

struct SmallMap {
    void run(unsigned n)
    {
        for (; n; --n)
            Mapping{64 * 1024, -1};
    }
};
Row<SmallMap> const small_map_row{"mmap+munmap 64k", 50};

// As lmbench does it: part of a file, touched in steps of 16 KB.
struct BigMap {
    static constexpr unsigned bytes = 8 << 20, step = 16 << 10;
    void run(unsigned n)
    {
        for (; n; --n) {
            Mapping m{bytes, file.fd};
            for (char volatile *at = m.start; at < m.start + bytes; at += step)
                static_cast<void>(*at);
        }
    }
    File file{bytes};
};
Row<BigMap> const big_map_row{"mmap 8M, touch, munmap", 2};
}  // namespace
}  // namespace bench
