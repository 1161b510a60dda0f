// SPDX-License-Identifier: MIT
// Usage: pressure DIRECTORY HELD_MB WRITTEN_MB
//
// Work on a disk while a program holds most of memory: three writers whose files are together far larger than what is left, two that
// store through shared mappings and msync, all at once; each reads back what it wrote. Meanwhile nobody may be killed, and /proc/meminfo
// may never show more dirty pages than /proc/vmstat's limit allows. Then one asks for more than there is: that one is killed, and the kernel
// says so; nobody else is.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <string>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {
constexpr std::size_t page = 4096, chunk = 64 << 10;
constexpr unsigned writers = 3, mappers = 2;

[[noreturn]] void fail(std::string const &what)
{
    std::printf("pressure: %s: %s\n", what.c_str(), std::strerror(errno));
    std::fflush(stdout);
    _exit(1);
}

pid_t start(std::function<void()> const &f)
{
    auto pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        f();
        _exit(0);
    }
    return pid;
}

// Words that say whose they are and where they belong.
void fill(std::uint32_t *words, std::size_t n, std::uint32_t owner, std::uint64_t position)
{
    for (std::size_t i = 0; i < n; ++i)
        words[i] = owner * 0x9e3779b9u + static_cast<std::uint32_t>(position / 4 + i);
}

bool is_filled(std::uint32_t const *words, std::size_t n, std::uint32_t owner, std::uint64_t position)
{
    for (std::size_t i = 0; i < n; ++i)
        if (words[i] != owner * 0x9e3779b9u + static_cast<std::uint32_t>(position / 4 + i))
            return false;
    return true;
}

void write_and_verify(std::string const &path, std::uint32_t owner, std::size_t bytes)
{
    static std::uint32_t buffer[chunk / 4];
    int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        fail(path);
    for (std::size_t at = 0; at < bytes; at += chunk) {
        fill(buffer, chunk / 4, owner, at);
        if (write(fd, buffer, chunk) != static_cast<ssize_t>(chunk))
            fail("writing " + path);
    }
    if (fsync(fd) != 0)
        fail("fsync " + path);
    for (std::size_t at = 0; at < bytes; at += chunk)
        if (pread(fd, buffer, chunk, static_cast<off_t>(at)) != static_cast<ssize_t>(chunk)
            || !is_filled(buffer, chunk / 4, owner, at))
            fail("reading " + path + " again, at " + std::to_string(at));
}

// Pages in an order that is not theirs; a third of the stores are followed by an msync of what was stored lately.
void map_and_verify(std::string const &path, std::uint32_t owner, std::size_t bytes)
{
    int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(bytes)) != 0)
        fail(path);
    auto *at = static_cast<char *>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    if (at == MAP_FAILED)
        fail("mmap " + path);
    auto const pages = bytes / page;
    std::size_t const step = 1021;  // a prime, so that it comes by every page
    for (std::size_t i = 0; i < pages; ++i) {
        auto const offset = i * step % pages * page;
        fill(reinterpret_cast<std::uint32_t *>(at + offset), page / 4, owner, offset);
        if (i % 128 == 0 && msync(at, bytes / 2, i % 256 == 0 ? MS_SYNC : MS_ASYNC) != 0)
            fail("msync " + path);
    }
    for (std::size_t offset = 0; offset < bytes; offset += page)
        if (!is_filled(reinterpret_cast<std::uint32_t *>(at + offset), page / 4, owner, offset))
            fail("the mapping of " + path + " at " + std::to_string(offset));
    if (munmap(at, bytes) != 0)
        fail("munmap");
    std::vector<std::uint32_t> words(page / 4);
    for (std::size_t offset = 0; offset < bytes; offset += page)
        if (pread(fd, words.data(), page, static_cast<off_t>(offset)) != static_cast<ssize_t>(page)
            || !is_filled(words.data(), page / 4, owner, offset))
            fail("reading " + path + " at " + std::to_string(offset));
}

// The number behind `name` in a file of /proc.
long number_in(char const *path, std::string const &name)
{
    auto *file = std::fopen(path, "r");
    if (!file)
        fail(path);
    char line[128];
    long value = -1;
    while (value < 0 && std::fgets(line, sizeof line, file))
        if (std::strncmp(line, name.c_str(), name.size()) == 0 && line[name.size()] == ' ')
            value = std::atol(line + name.size());
    std::fclose(file);
    if (value < 0)
        fail(name + " is not in " + path);
    return value;
}

// Until the last of the others has ended. Each of them may have dirtied a page of its own since it looked at the limit.
void watch(std::vector<pid_t> pids)
{
    long most = 0, samples = 0;
    auto const total_kb = number_in("/proc/meminfo", "MemTotal:");
    while (!pids.empty()) {
        auto const dirty_kb = number_in("/proc/meminfo", "Dirty:") + number_in("/proc/meminfo", "Writeback:");
        most = std::max(most, dirty_kb);
        if (dirty_kb > total_kb / 5 + 4 * static_cast<long>(writers + mappers)) {
            std::printf("pressure: %ld KB dirty of %ld\n", dirty_kb, total_kb);
            _exit(1);
        }
        ++samples;
        int status = 0;
        auto ended = waitpid(-1, &status, WNOHANG);
        if (ended > 0 && status != 0) {
            std::printf("pressure: process %d ended with status %x\n", ended, status);
            _exit(1);
        }
        pids.erase(std::remove(pids.begin(), pids.end(), ended), pids.end());
        if (ended <= 0)
            usleep(50'000);
    }
    std::printf("dirty pages stayed below a fifth: %s\n", most > 0 && samples > 1 ? "yes" : "none were seen");
}

std::string kernel_log()
{
    constexpr int read_all = 3, size_of_buffer = 10;
    std::string text(static_cast<std::size_t>(klogctl(size_of_buffer, nullptr, 0)), 0);
    auto n = klogctl(read_all, text.data(), static_cast<int>(text.size()));
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
}

void ask_for_too_much()
{
    auto greedy = start([] {
        for (std::size_t mb = 0; mb < 3000; ++mb) {
            auto *p = static_cast<char *>(
                mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            if (p == MAP_FAILED)
                _exit(2);
            for (std::size_t i = 0; i < 1 << 20; i += page)
                p[i] = 1;
        }
    });
    int status = 0;
    if (waitpid(greedy, &status, 0) != greedy)
        fail("waitpid");
    bool const said = kernel_log().find("out of memory: killed pressure (pid " + std::to_string(greedy) + ")")
        != std::string::npos;
    std::printf("who asks for too much is killed: %s, said so: %s\n",
                WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "yes" : "no", said ? "yes" : "no");
}
}  // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        std::fprintf(stderr, "Usage: pressure DIRECTORY HELD_MB WRITTEN_MB\n");
        return 2;
    }
    std::string const directory = argv[1];
    auto const held = static_cast<std::size_t>(std::atoi(argv[2])) << 20;
    auto const written = (static_cast<std::size_t>(std::atoi(argv[3])) << 20) / writers & ~(chunk - 1);
    std::vector<std::uint32_t> memory(held / 4);
    fill(memory.data(), memory.size(), 77, 0);
    std::vector<pid_t> pids;
    for (unsigned i = 0; i < writers; ++i)
        pids.push_back(start([&] { write_and_verify(directory + "/written" + std::to_string(i), i, written); }));
    for (unsigned i = 0; i < mappers; ++i)
        pids.push_back(start([&] { map_and_verify(directory + "/mapped" + std::to_string(i), 10 + i, 8 << 20); }));
    watch(pids);
    std::printf("killed meanwhile: %s\n",
                kernel_log().find("out of memory") == std::string::npos ? "nobody" : "somebody");
    std::printf("what was held is there: %s\n", is_filled(memory.data(), memory.size(), 77, 0) ? "yes" : "no");
    std::fflush(stdout);
    memory = {};  // the greedy one shall be the largest
    ask_for_too_much();
    return 0;
}
