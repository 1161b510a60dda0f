// SPDX-License-Identifier: MIT
// Does to the file system what lines of its standard input say, and answers each with "ok" or the error. Whoever sends the lines knows
// by the answers what has been done, and what has been made durable, when the machine is killed.
//
//   append PATH SEED BYTES    append-now PATH SEED BYTES (durable with its answer: O_SYNC)    create PATH    rename FROM TO    unlink PATH    mkdir PATH    link FROM TO
//   fsync PATH    sync
#include "pattern.hpp"
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {
bool append(char const *path, unsigned seed, unsigned long bytes, int flags = 0)
{
    int fd = open(path, O_WRONLY | O_APPEND | flags);
    if (fd < 0)
        return false;
    auto text = pattern(seed, static_cast<unsigned long>(lseek(fd, 0, SEEK_END)), bytes);
    bool good = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return (close(fd) == 0) && good;
}

bool create(char const *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    return fd >= 0 && close(fd) == 0;
}

bool make_durable(char const *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    bool good = fsync(fd) == 0;
    return (close(fd) == 0) && good;
}

bool perform(char const *verb, char const *a, char const *b, unsigned long n)
{
    auto is = [&](char const *name) { return std::strcmp(verb, name) == 0; };
    if (is("append"))
        return append(a, static_cast<unsigned>(std::strtoul(b, nullptr, 10)), n);
    if (is("append-now"))
        return append(a, static_cast<unsigned>(std::strtoul(b, nullptr, 10)), n, O_SYNC);
    if (is("create"))
        return create(a);
    if (is("rename"))
        return rename(a, b) == 0;
    if (is("unlink"))
        return unlink(a) == 0;
    if (is("mkdir"))
        return mkdir(a, 0755) == 0;
    if (is("link"))
        return link(a, b) == 0;
    if (is("fsync"))
        return make_durable(a);
    if (is("sync"))
        return sync(), true;
    errno = ENOSYS;
    return false;
}
}  // namespace

int main(int argc, char **argv)
{
    if (argc != 2 || chdir(argv[1]) != 0) {
        std::perror("worker FOLDER");
        return 2;
    }
    char line[600], verb[16], a[256], b[256];
    while (std::fgets(line, sizeof line, stdin)) {
        unsigned long n = 0;
        *a = *b = 0;
        if (std::sscanf(line, "%15s %255s %255s %lu", verb, a, b, &n) < 1)
            continue;
        if (perform(verb, a, b, n))
            std::printf("ok\n");
        else
            std::printf("%s", std::strerror(errno)), std::printf(": %s", line);
        std::fflush(stdout);
    }
}
