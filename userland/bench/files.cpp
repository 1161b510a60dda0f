// SPDX-License-Identifier: MIT
// Files that come and go.
#include "bench.hpp"
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace {
struct Names {
    Names() { mkdir("/tmp/bench-files", 0777); }
    ~Names()
    {
        remove(32);
        rmdir("/tmp/bench-files");
    }
    static char const *name(unsigned i)
    {
        static char text[64];
        std::snprintf(text, sizeof text, "/tmp/bench-files/%u", i);
        return text;
    }
    void create(unsigned n, std::size_t bytes)
    {
        for (unsigned i = 0; i < n; ++i) {
            int fd = open(name(i), O_WRONLY | O_CREAT | O_EXCL, 0666);
            check(fd >= 0, "create");
            if (bytes)
                check(write(fd, content.data(), bytes) == static_cast<ssize_t>(bytes), "write");
            close(fd);
        }
    }
    void remove(unsigned n)
    {
        for (unsigned i = 0; i < n; ++i)
            unlink(name(i));
    }
    std::vector<char> content = std::vector<char>(10 << 10, 'x');
};

template <std::size_t Bytes>
struct Create : Names {
    void before(unsigned n) { remove(n); }
    void run(unsigned n) { create(n, Bytes); }
};
Row<Create<0>> const create_0{"file create 0k", 32};
Row<Create<10 << 10>> const create_10{"file create 10k", 16};

template <std::size_t Bytes>
struct Delete : Names {
    void before(unsigned n)
    {
        remove(n);
        create(n, Bytes);
    }
    void run(unsigned n) { remove(n); }
};
Row<Delete<0>> const delete_0{"file delete 0k", 32};
Row<Delete<10 << 10>> const delete_10{"file delete 10k", 16};
}  // namespace
}  // namespace bench
