// SPDX-License-Identifier: MIT
// The same calls to our kernel and to this machine's Linux, each in an empty tmpfs directory of its own. Names given to both are
// relative; what is compared: results, errno, and structures without what must differ (inode numbers, devices, times).
#pragma once
#include "world.hpp"
#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <vector>

namespace world {
namespace nr {  // i386 system call numbers
inline constexpr unsigned read = 3, write = 4, open = 5, close = 6, creat = 8, link = 9, unlink = 10, chdir = 12,
                          mknod = 14, chmod = 15, lseek = 19, utime = 30, access = 33, rename = 38, mkdir = 39,
                          rmdir = 40, dup = 41, dup2 = 63, umask = 60, symlink = 83, readlink = 85, truncate = 92,
                          ftruncate = 93, fchmod = 94, llseek = 140, getdents = 141, flock = 143, readv = 145,
                          writev = 146, pread64 = 180, pwrite64 = 181, getcwd = 183, truncate64 = 193,
                          ftruncate64 = 194, stat64 = 195, lstat64 = 196, fstat64 = 197, fchown32 = 207, chown32 = 212,
                          getdents64 = 220, fcntl64 = 221, sendfile64 = 239, openat = 295, unlinkat = 301, linkat = 303,
                          splice = 313, fallocate = 324, dup3 = 330, inotify_init1 = 332, inotify_add_watch = 292,
                          inotify_rm_watch = 293, renameat2 = 353, memfd_create = 356, copy_file_range = 377,
                          statx = 383, close_range = 436, openat2 = 437, mount = 21, umount2 = 52;
}

struct Both {
    Both();
    ~Both();
    Both(Both const &) = delete;
    Both &operator=(Both const &) = delete;

    // A name below the directory: the working directory of both is set to it by enter(); before, only path() works.
    std::uint32_t path(std::string const &);
    void enter() {}
    // The call on both; the same answer is expected.
    std::int32_t check(unsigned number, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0,
                       std::uint32_t d = 0, std::uint32_t e = 0, std::uint32_t f = 0);
    void must(unsigned number, std::uint32_t a, std::uint32_t b = 0, std::uint32_t c = 0);
    void make_file(std::string const &name, std::string const &contents);
    void become(unsigned uid, unsigned gid);
    // Of what check() left at user(0): what can be compared of a struct stat64.
    std::string stat_of_ours() const { return describe(ours_); }
    std::string stat_of_linux() const { return describe(linux_); }
    bool is_directory() const;  // as Linux says in the struct stat64
    bool same_output() const { return ours_ == linux_; }
    std::vector<std::string> list(std::string const &folder, bool ours);  // sorted names, without "." and ".."
    static void trace(unsigned number, std::initializer_list<std::uint32_t>, std::int32_t ours, std::int32_t theirs);
    std::string directory;

private:
    static std::string describe(std::string const &);
    std::string ours_, linux_;  // the first 64 KiB of user memory after the last check()
};
}  // namespace world
