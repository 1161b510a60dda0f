// SPDX-License-Identifier: MIT
// Address spaces: brk, mmap, mprotect, mremap, copy-on-write, shared mappings.
#include "test.hpp"
#include <csetjmp>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace posix;

namespace {
constexpr std::size_t page = 4096;

char *map(std::size_t bytes, int prot = PROT_READ | PROT_WRITE, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1,
          off_t offset = 0)
{
    auto p = mmap(nullptr, bytes, prot, flags, fd, offset);
    CHECK(p != MAP_FAILED);
    return static_cast<char *>(p);
}
// True if reading (or writing) the byte faults.
bool faults(volatile char *p, bool write)
{
    static sigjmp_buf back;
    auto old_segv = signal(SIGSEGV, [](int) { siglongjmp(back, 1); });
    auto old_bus = signal(SIGBUS, [](int) { siglongjmp(back, 1); });
    bool faulted = true;
    if (sigsetjmp(back, 1) == 0) {
        if (write)
            *p = *p;
        else
            (void)*p;
        faulted = false;
    }
    signal(SIGSEGV, old_segv);
    signal(SIGBUS, old_bus);
    return faulted;
}
int file_of(std::string const &name, std::string const &content)
{
    int fd = open(name.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0644);
    CHECK_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    return fd;
}
}  // namespace

TEST(memory, anonymous_memory_is_zero_and_private)
{
    auto p = map(64 * page);
    for (std::size_t i = 0; i < 64 * page; i += 512)
        CHECK_EQ(p[i], 0);
    std::memset(p, 7, 64 * page);
    static char *q;
    q = p;
    CHECK_EQ(child_status([] {
                 for (std::size_t i = 0; i < 64 * page; i += page) {
                     CHECK_EQ(q[i], 7);
                     q[i] = 9;
                 }
             }),
             0);
    for (std::size_t i = 0; i < 64 * page; i += page)
        CHECK_EQ(p[i], 7);
    CHECK_EQ(munmap(p, 64 * page), 0);
    CHECK(faults(p, false));
}

TEST(memory, shared_anonymous_memory_is_shared)
{
    static char *p;
    p = map(3 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
    CHECK_EQ(child_status([] { std::strcpy(p + 2 * page, "from the child"); }), 0);
    CHECK_EQ(std::string{p + 2 * page}, "from the child");
}

TEST(memory, protection_is_enforced)
{
    auto p = map(4 * page);
    p[0] = p[page] = p[2 * page] = 1;
    CHECK_EQ(mprotect(p + page, page, PROT_READ), 0);
    CHECK(!faults(p, true));
    CHECK(faults(p + page, true));
    CHECK(!faults(p + page, false));
    CHECK(!faults(p + 2 * page, true));
    CHECK_EQ(mprotect(p + page, page, PROT_NONE), 0);
    CHECK(faults(p + page, false));
    CHECK_EQ(mprotect(p, 4 * page, PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(p[page], 1);
    CHECK_ERRNO(mprotect(p + 1, page, PROT_READ), EINVAL);
    munmap(p + 2 * page, page);
    CHECK_ERRNO(mprotect(p, 4 * page, PROT_READ), ENOMEM);
}

TEST(memory, code_can_be_written_then_run)
{
    auto p = map(page, PROT_READ | PROT_WRITE);
    unsigned char const code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};  // mov $42, %eax; ret
    std::memcpy(p, code, sizeof code);
    CHECK_EQ(mprotect(p, page, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(reinterpret_cast<int (*)()>(p)(), 42);
    CHECK(faults(p, true));
}

TEST(memory, private_file_mapping_does_not_write_the_file)
{
    int fd = file_of("f", std::string(2 * page, 'a'));
    auto p = map(2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
    CHECK_EQ(p[page], 'a');
    p[page] = 'b';
    char c;
    CHECK_EQ(pread(fd, &c, 1, page), 1);
    CHECK_EQ(c, 'a');
    CHECK_EQ(pwrite(fd, "z", 1, 0), 1);
    CHECK_EQ(p[0], 'z');  // not yet copied: still the file's page
}

TEST(memory, shared_file_mapping_and_write_agree)
{
    int fd = file_of("f", std::string(3 * page, 'a'));
    auto p = map(3 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    p[page + 1] = 'b';
    char c;
    CHECK_EQ(pread(fd, &c, 1, page + 1), 1);
    CHECK_EQ(c, 'b');
    CHECK_EQ(pwrite(fd, "c", 1, 2 * page), 1);
    CHECK_EQ(p[2 * page], 'c');
    CHECK_EQ(msync(p, 3 * page, MS_SYNC), 0);
    static char *q;
    q = p;
    CHECK_EQ(child_status([] { q[5] = 'd'; }), 0);
    CHECK_EQ(p[5], 'd');
    CHECK_EQ(ftruncate(fd, page), 0);
    CHECK(faults(p + page, false));
    CHECK(!faults(p, false));
    CHECK_EQ(ftruncate(fd, 3 * page), 0);
    CHECK_EQ(p[2 * page], 0);
}

TEST(memory, mapping_errors)
{
    int fd = file_of("f", "x"), read_only = open("f", O_RDONLY), write_only = open("f", O_WRONLY);
    auto try_map = [&](std::size_t n, int prot, int flags, int f, off_t o) {
        return reinterpret_cast<long>(mmap(nullptr, n, prot, flags, f, o));
    };
    CHECK_ERRNO(try_map(0, PROT_READ, MAP_PRIVATE, fd, 0), EINVAL);
    CHECK_ERRNO(try_map(page, PROT_READ, 0, fd, 0), EINVAL);
    CHECK_ERRNO(try_map(page, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
    CHECK_ERRNO(try_map(page, PROT_WRITE, MAP_SHARED, read_only, 0), EACCES);
    CHECK_ERRNO(try_map(page, PROT_READ, MAP_PRIVATE, write_only, 0), EACCES);
    CHECK_ERRNO(try_map(0xf000'0000u, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
    int pipe_fds[2];
    CHECK_EQ(pipe(pipe_fds), 0);
    CHECK_ERRNO(try_map(page, PROT_READ, MAP_PRIVATE, pipe_fds[0], 0), ENODEV);
    CHECK_ERRNO(munmap(reinterpret_cast<void *>(1), page), EINVAL);
}

TEST(memory, fixed_mappings_replace_and_hints_move)
{
    auto p = map(4 * page);
    std::memset(p, 1, 4 * page);
    CHECK(mmap(p + page, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + page);
    CHECK_EQ(p[page], 0);
    CHECK_EQ(p[2 * page], 1);
    CHECK(mmap(p, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != p);
    CHECK_ERRNO(reinterpret_cast<long>(mmap(p, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)),
                EEXIST);
}

TEST(memory, mremap_grows_shrinks_and_moves)
{
    auto p = map(2 * page);
    std::strcpy(p, "kept");
    auto q = static_cast<char *>(mremap(p, 2 * page, 600 * page, MREMAP_MAYMOVE));
    CHECK(q != MAP_FAILED);
    CHECK_EQ(std::string{q}, "kept");
    q[599 * page] = 1;
    CHECK(mremap(q, 600 * page, page, 0) == q);
    CHECK(faults(q + page, false));
    auto target = map(4 * page);
    CHECK(mremap(q, page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    CHECK_EQ(std::string{target}, "kept");
    CHECK(faults(q, false));
}

TEST(memory, break_moves)
{
    auto start = static_cast<char *>(sbrk(0));
    CHECK(sbrk(10 * page) == start);
    std::memset(start, 5, 10 * page);
    CHECK(brk(start + page) == 0);
    CHECK(brk(start + 3 * page) == 0);
    auto aligned = reinterpret_cast<char *>((reinterpret_cast<unsigned long>(start) + 2 * page - 1) & ~(page - 1));
    CHECK_EQ(aligned[page], 0);  // given back, then fresh
}

TEST(memory, dontneed_gives_zeroes_or_the_file)
{
    auto p = map(2 * page);
    std::memset(p, 3, 2 * page);
    CHECK_EQ(madvise(p, page, MADV_DONTNEED), 0);
    CHECK_EQ(p[0], 0);
    CHECK_EQ(p[page], 3);
    CHECK_ERRNO(madvise(p, page, 12345), EINVAL);
    CHECK_ERRNO(madvise(p + 1, page, MADV_DONTNEED), EINVAL);
}

TEST(memory, stack_grows_on_demand)
{
    int status = child_status([] {
        volatile char deep[2'000'000];
        deep[0] = 1;
        deep[1'999'999] = 2;
        _exit(deep[0] + deep[1'999'999]);
    });
    CHECK_EQ(WEXITSTATUS(status), 3);
}

TEST(memory, calls_with_bad_pointers_are_efault)
{
    // Not constants for the compiler's sake, which knows that they cannot be right.
    char *volatile bad_address = reinterpret_cast<char *>(0x10),
                   *volatile kernel_address = reinterpret_cast<char *>(0xc010'0000);
    char *bad = bad_address, *kernel = kernel_address;
    int fd = open("/dev/zero", O_RDWR);
    CHECK_ERRNO(read(fd, bad, 1), EFAULT);
    CHECK_ERRNO(read(fd, kernel, 1), EFAULT);
    CHECK_ERRNO(open(kernel, O_RDONLY), EFAULT);
    int fds[2];
    CHECK_EQ(pipe(fds), 0);
    CHECK_ERRNO(write(fds[1], bad, 1), EFAULT);
    CHECK_ERRNO(syscall(SYS_gettimeofday, bad, nullptr), EFAULT);
    auto p = map(2 * page);
    CHECK_EQ(mprotect(p + page, page, PROT_NONE), 0);
    int file = file_of("f", "12345678");
    CHECK_EQ(pread(file, p + page - 4, 8, 0), 4);  // as far as it goes
    CHECK_EQ(std::string(p + page - 4, 4), "1234");
    CHECK_EQ(pwrite(file, p + page - 4, 8, 4), 4);
}

TEST(memory, proc_maps_lists_the_regions)
{
    int fd = file_of("mapped-file", std::string(page, 'a'));
    map(page, PROT_READ, MAP_SHARED, fd);
    std::ifstream maps("/proc/self/maps");
    bool file = false, stack = false, heap = false, text = false;
    free(malloc(100));
    unsigned long last_end = 0;
    for (std::string line; std::getline(maps, line);) {
        unsigned long start, end;
        char perms[5];
        CHECK_EQ(std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, perms), 3);
        CHECK(start >= last_end && end > start);
        last_end = end;
        if (line.ends_with("/mapped-file"))
            file = std::string{perms} == "r--s";
        stack |= line.ends_with("[stack]");
        heap |= line.ends_with("[heap]");
        text |= std::string{perms} == "r-xp";
    }
    CHECK(file && stack && heap && text);
}

TEST(memory, memory_runs_out_politely)
{
    int status = child_status([] {
        std::size_t total = 0;
        for (std::size_t n = 1u << 30; n >= page; n /= 2)
            while (mmap(nullptr, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED)
                total += n;
        CHECK_EQ(errno, ENOMEM);
        CHECK(total > 2u << 30);
    });
    CHECK_EQ(status, 0);
}

TEST(memory, memfd_and_mincore)
{
    int fd = static_cast<int>(syscall(SYS_memfd_create, "name", 1u));
    CHECK(fd >= 0);
    CHECK_EQ(ftruncate(fd, 2 * page), 0);
    auto p = map(2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    p[0] = 1;
    unsigned char resident[2];
    CHECK_EQ(mincore(p, 2 * page, resident), 0);
    CHECK_EQ(resident[0] & 1, 1);
    struct stat st;
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, static_cast<off_t>(2 * page));
}
