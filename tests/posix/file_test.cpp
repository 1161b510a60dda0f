// SPDX-License-Identifier: MIT
// Files, directories, links, descriptors, permissions.
#include "test.hpp"
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <set>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace posix;

namespace {
void make(char const *name, std::string const &content = "", mode_t mode = 0644)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, mode);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
}
std::string content(char const *name)
{
    int fd = open(name, O_RDONLY);
    CHECK(fd >= 0);
    std::string text;
    char buffer[1000];
    for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(n));
    close(fd);
    return text;
}
struct stat status_of(char const *name)
{
    struct stat st;
    CHECK_EQ(lstat(name, &st), 0);
    return st;
}
// Runs f as uid and gid 1000 in a child.
template <class F>
int as_user(F f)
{
    return child_status([f] {
        CHECK_EQ(setgid(1000), 0);
        CHECK_EQ(setuid(1000), 0);
        f();
    });
}
}  // namespace

TEST(files, open_flags)
{
    CHECK_ERRNO(open("none", O_RDONLY), ENOENT);
    CHECK(open("new", O_CREAT | O_EXCL | O_RDWR, 0600) >= 0);
    CHECK_ERRNO(open("new", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
    CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
    CHECK_ERRNO(open("new", O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open("new/x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    CHECK_EQ(symlink("new", "link"), 0);
    CHECK_ERRNO(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK_EQ(symlink("dangling", "created-through"), 0);
    CHECK(open("created-through", O_CREAT | O_WRONLY, 0600) >= 0);
    CHECK_EQ(access("dangling", F_OK), 0);
    std::string long_name(256, 'n');
    CHECK_ERRNO(open(long_name.c_str(), O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
    make("t", "content");
    CHECK(open("t", O_WRONLY | O_TRUNC) >= 0);
    CHECK_EQ(status_of("t").st_size, 0);
    int path = open("t", O_PATH);
    char c;
    CHECK_ERRNO(read(path, &c, 1), EBADF);
    CHECK_EQ(fcntl(open("t", O_RDWR | O_APPEND), F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
}

TEST(files, reading_writing_seeking)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(write(fd, "0123456789", 10), 10);
    CHECK_EQ(lseek(fd, -3, SEEK_END), 7);
    char buffer[20] = {};
    CHECK_EQ(read(fd, buffer, 20), 3);
    CHECK_EQ(read(fd, buffer, 20), 0);
    CHECK_EQ(pread(fd, buffer, 2, 4), 2);
    CHECK_EQ(buffer[0], '4');
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
    CHECK_EQ(lseek(fd, 20, SEEK_SET), 20);
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK_EQ(pread(fd, buffer, 20, 8), 13);
    CHECK(buffer[1] == '9' && buffer[2] == 0 && buffer[12] == 'x');
    int appender = open("f", O_WRONLY | O_APPEND);
    CHECK_EQ(lseek(appender, 0, SEEK_SET), 0);
    CHECK_EQ(write(appender, "end", 3), 3);
    CHECK_EQ(lseek(appender, 0, SEEK_CUR), 24);
    int read_only = open("f", O_RDONLY);
    CHECK_ERRNO(write(read_only, "x", 1), EBADF);
    CHECK_ERRNO(read(appender, buffer, 1), EBADF);
    CHECK_ERRNO(close(999), EBADF);
}

TEST(files, vectors)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    char a[] = "abc", b[] = "defgh";
    iovec out[] = {{a, 3}, {nullptr, 0}, {b, 5}};
    CHECK_EQ(writev(fd, out, 3), 8);
    char x[5] = {}, y[5] = {};
    iovec in[] = {{x, 4}, {y, 4}};
    CHECK_EQ(preadv(fd, in, 2, 0), 8);
    CHECK_EQ(std::string{x}, "abcd");
    CHECK_EQ(std::string{y}, "efgh");
    volatile int too_few = -1, too_many = 2000;  // hidden from the compiler, which would warn
    CHECK_ERRNO(writev(fd, out, too_few), EINVAL);
    CHECK_ERRNO(writev(fd, out, too_many), EINVAL);
}

TEST(files, large_offsets)
{
    int fd = open("big", O_CREAT | O_RDWR | O_LARGEFILE, 0644);
    CHECK_EQ(pwrite64(fd, "x", 1, 5'000'000'000), 1);
    CHECK_EQ(lseek64(fd, 0, SEEK_END), 5'000'000'001);
    struct stat64 st;
    CHECK_EQ(fstat64(fd, &st), 0);
    CHECK_EQ(st.st_size, 5'000'000'001);
    CHECK(st.st_blocks < 1000);  // sparse
    CHECK_EQ(ftruncate64(fd, 3), 0);
    CHECK_EQ(lseek64(fd, 0, SEEK_END), 3);
}

TEST(files, duplicates_share_the_position)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644), copy = dup(fd);
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), 3);
    CHECK_EQ(dup2(fd, 50), 50);
    CHECK_EQ(dup2(fd, fd), fd);
    CHECK_ERRNO(dup2(999, 5), EBADF);
    CHECK_ERRNO(dup3(fd, fd, 0), EINVAL);
    CHECK_EQ(dup3(fd, 51, O_CLOEXEC), 51);
    CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_DUPFD, 60), 60);
    CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 61);
    CHECK_EQ(syscall(SYS_close_range, 50, 61, 0), 0);
    CHECK_ERRNO(fcntl(60, F_GETFD), EBADF);
}

TEST(files, directories)
{
    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_ERRNO(mkdir("d", 0755), EEXIST);
    CHECK_ERRNO(mkdir("none/d", 0755), ENOENT);
    make("d/file");
    CHECK_ERRNO(rmdir("d"), ENOTEMPTY);
    CHECK_ERRNO(unlink("d"), EISDIR);
    CHECK_ERRNO(rmdir("d/file"), ENOTDIR);
    CHECK_ERRNO(rmdir("d/."), EINVAL);
    CHECK_EQ(status_of("d").st_nlink, 2u);
    CHECK_EQ(mkdir("d/e", 0700), 0);
    CHECK_EQ(status_of("d").st_nlink, 3u);
    CHECK_EQ(rmdir("d/e"), 0);
    CHECK_EQ(unlink("d/file"), 0);
    CHECK_EQ(mkdir("d/slash/", 0755), 0);
    CHECK_EQ(rmdir("d/slash/"), 0);
    CHECK_EQ(rmdir("d"), 0);
}

TEST(files, reading_directories)
{
    std::set<std::string> names{".", ".."};
    for (int i = 0; i < 300; ++i) {
        auto name = "entry-" + std::to_string(i);
        make(name.c_str());
        names.insert(name);
    }
    auto d = opendir(".");
    std::set<std::string> seen;
    long middle = 0;
    std::string after_middle;
    while (auto e = readdir(d)) {
        CHECK(seen.insert(e->d_name).second);
        if (seen.size() == 100)
            middle = telldir(d);
        if (seen.size() == 101)
            after_middle = e->d_name;
        if (e->d_name[0] != '.')
            CHECK(e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
    }
    CHECK(seen == names);
    seekdir(d, middle);
    CHECK_EQ(std::string{readdir(d)->d_name}, after_middle);
    rewinddir(d);
    // Removing while reading neither repeats nor hides what stays.
    int removed = 0;
    while (auto e = readdir(d))
        if (e->d_name[0] == 'e' && unlink(e->d_name) == 0)
            ++removed;
    CHECK_EQ(removed, 300);
    closedir(d);
}

TEST(files, hard_links_and_unlinked_files)
{
    make("a", "text");
    CHECK_EQ(link("a", "b"), 0);
    CHECK_EQ(status_of("b").st_nlink, 2u);
    CHECK_EQ(status_of("a").st_ino, status_of("b").st_ino);
    CHECK_ERRNO(link("a", "b"), EEXIST);
    CHECK_EQ(mkdir("d", 0755), 0);
    CHECK_ERRNO(link("d", "e"), EPERM);
    int fd = open("a", O_RDWR);
    CHECK_EQ(unlink("a"), 0);
    CHECK_EQ(unlink("b"), 0);
    struct stat st;
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0u);
    char c[4];
    CHECK_EQ(pread(fd, c, 4, 0), 4);
}

TEST(files, symbolic_links)
{
    CHECK_EQ(symlink("target/of/link", "l"), 0);
    char text[100] = {};
    CHECK_EQ(readlink("l", text, sizeof text), 14);
    CHECK_EQ(std::string{text}, "target/of/link");
    CHECK_EQ(readlink("l", text, 3), 3);
    CHECK_EQ(status_of("l").st_size, 14);
    CHECK(S_ISLNK(status_of("l").st_mode));
    CHECK_ERRNO(readlink(".", text, 10), EINVAL);
    CHECK_EQ(symlink("loop2", "loop1"), 0);
    CHECK_EQ(symlink("loop1", "loop2"), 0);
    CHECK_ERRNO(open("loop1", O_RDONLY), ELOOP);
    mkdir("d", 0755);
    make("d/f", "inside");
    CHECK_EQ(symlink("d", "dl"), 0);
    CHECK_EQ(content("dl/f"), "inside");
    CHECK_EQ(content("dl/../d/./f"), "inside");
    CHECK_ERRNO(rmdir("dl"), ENOTDIR);
    CHECK_EQ(unlink("dl"), 0);
    CHECK_EQ(access("d/f", F_OK), 0);
}

TEST(files, rename_rules)
{
    make("a", "A");
    make("b", "B");
    CHECK_EQ(rename("a", "b"), 0);
    CHECK_EQ(content("b"), "A");
    CHECK_ERRNO(rename("a", "c"), ENOENT);
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    CHECK_ERRNO(rename("b", "d"), EISDIR);
    CHECK_ERRNO(rename("d", "b"), ENOTDIR);
    CHECK_ERRNO(rename("d", "d/e/x"), EINVAL);
    mkdir("empty", 0755);
    CHECK_EQ(rename("d", "empty"), 0);
    CHECK_EQ(access("empty/e", F_OK), 0);
    mkdir("full", 0755);
    make("full/f");
    CHECK_ERRNO(rename("empty", "full"), ENOTEMPTY);
    make("x", "X");
    make("y", "Y");
    CHECK_ERRNO(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_NOREPLACE), EEXIST);
    CHECK_EQ(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_EXCHANGE), 0);
    CHECK_EQ(content("x"), "Y");
    link("x", "same");
    CHECK_EQ(rename("x", "same"), 0);  // two names of one file: nothing happens
    CHECK_EQ(access("x", F_OK), 0);
}

TEST(files, stat_tells_the_truth)
{
    make("f", std::string(5000, 'x'), 0640);
    auto st = status_of("f");
    CHECK(S_ISREG(st.st_mode));
    CHECK_EQ(st.st_mode & 07777, 0640u);
    CHECK_EQ(st.st_size, 5000);
    CHECK(st.st_blocks >= 10);
    CHECK_EQ(status_of("/dev/null").st_rdev, 0x103u);
    CHECK(S_ISCHR(status_of("/dev/null").st_mode));
    CHECK_EQ(mkfifo("fifo", 0600), 0);
    CHECK(S_ISFIFO(status_of("fifo").st_mode));
    struct statx sx;
    CHECK_EQ(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx), 0);
    CHECK_EQ(sx.stx_size, 5000u);
    CHECK_EQ(sx.stx_ino, st.st_ino);
    int fd = open("f", O_RDONLY);
    CHECK_EQ(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx), 0);
    CHECK_ERRNO(statx(fd, "", 0, STATX_BASIC_STATS, &sx), ENOENT);
    struct stat old;
    CHECK_EQ(fstatat(AT_FDCWD, "f", &old, 0), 0);
    CHECK_EQ(old.st_ino, st.st_ino);
}

TEST(files, times)
{
    make("f");
    timespec set[] = {{1000, 500}, {2000, 700}};
    CHECK_EQ(utimensat(AT_FDCWD, "f", set, 0), 0);
    auto st = status_of("f");
    CHECK(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 700);
    timespec some[] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    CHECK_EQ(utimensat(AT_FDCWD, "f", some, 0), 0);
    st = status_of("f");
    CHECK(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec > 1'000'000'000);
    timespec bad[] = {{0, 2'000'000'000}, {0, 0}};
    CHECK_ERRNO(utimensat(AT_FDCWD, "f", bad, 0), EINVAL);
    utimensat(AT_FDCWD, "f", set, 0);
    int fd = open("f", O_WRONLY);
    CHECK_EQ(write(fd, "x", 1), 1);
    CHECK(status_of("f").st_mtim.tv_sec > 1'000'000'000);
}

TEST(files, truncate)
{
    make("f", "0123456789");
    CHECK_EQ(truncate("f", 4), 0);
    CHECK_EQ(content("f"), "0123");
    CHECK_EQ(truncate("f", 6), 0);
    CHECK_EQ(content("f"), std::string("0123\0\0", 6));
    CHECK_ERRNO(truncate("f", -1), EINVAL);
    CHECK_ERRNO(truncate(".", 1), EISDIR);
    CHECK_ERRNO(truncate("none", 1), ENOENT);
    int fd = open("f", O_RDONLY);
    CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
}

TEST(files, getcwd_and_chdir)
{
    char start[200], here[200];
    CHECK(getcwd(start, sizeof start) == start);
    CHECK_EQ(std::string{start}.substr(0, 11), "/tmp/posix-");
    mkdir("d", 0755);
    CHECK_EQ(chdir("d"), 0);
    CHECK(getcwd(here, sizeof here));
    CHECK_EQ(std::string{here}, std::string{start} + "/d");
    CHECK(!getcwd(here, 3));
    CHECK_EQ(errno, ERANGE);
    int up = open("..", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(rmdir("../d"), 0);
    CHECK(!getcwd(here, sizeof here));
    CHECK_EQ(errno, ENOENT);
    CHECK_ERRNO(open("x", O_CREAT | O_RDWR, 0600), ENOENT);
    CHECK_EQ(fchdir(up), 0);
    CHECK(getcwd(here, sizeof here));
    CHECK_EQ(std::string{here}, std::string{start});
    make("f");
    CHECK_ERRNO(chdir("f"), ENOTDIR);
}

TEST(files, relative_to_a_directory)
{
    mkdir("d", 0755);
    int d = open("d", O_RDONLY | O_DIRECTORY);
    int fd = openat(d, "f", O_CREAT | O_WRONLY, 0644);
    CHECK(fd >= 0);
    CHECK_EQ(mkdirat(d, "e", 0755), 0);
    CHECK_EQ(renameat(d, "f", d, "g"), 0);
    CHECK_EQ(faccessat(d, "g", F_OK, 0), 0);
    CHECK_EQ(linkat(d, "g", AT_FDCWD, "outside", 0), 0);
    CHECK_EQ(symlinkat("g", d, "s"), 0);
    CHECK_EQ(unlinkat(d, "e", AT_REMOVEDIR), 0);
    CHECK_ERRNO(openat(fd, "x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(openat(777, "x", O_RDONLY), EBADF);
    CHECK_EQ(openat(777, "/dev/null", O_RDONLY) >= 0, true);
}

TEST(files, locks)
{
    make("f", std::string(100, 'x'));
    int fd = open("f", O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_start = 10;
    lock.l_len = 10;
    CHECK_EQ(fcntl(fd, F_SETLK, &lock), 0);
    int status = child_status([] {
        int mine = open("f", O_RDWR);
        struct flock l {};
        l.l_type = F_RDLCK;
        l.l_start = 15;
        l.l_len = 1;
        CHECK_ERRNO(fcntl(mine, F_SETLK, &l), EAGAIN);
        CHECK_EQ(fcntl(mine, F_GETLK, &l), 0);
        CHECK(l.l_type == F_WRLCK && l.l_start == 10 && l.l_len == 10 && l.l_pid == getppid());
        l.l_type = F_WRLCK;
        l.l_start = 20;
        l.l_len = 1;
        CHECK_EQ(fcntl(mine, F_SETLK, &l), 0);
    });
    CHECK_EQ(status, 0);
    int other = open("f", O_RDWR);
    CHECK_EQ(flock(fd, LOCK_EX), 0);
    CHECK_ERRNO(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(flock(fd, LOCK_UN), 0);
    CHECK_EQ(flock(other, LOCK_SH | LOCK_NB), 0);
    close(open("f", O_RDONLY));  // any close of the file drops the process's record locks
    status = child_status([] {
        int mine = open("f", O_RDWR);
        struct flock l {};
        l.l_type = F_WRLCK;
        CHECK_EQ(fcntl(mine, F_SETLK, &l), 0);
    });
    CHECK_EQ(status, 0);
}

TEST(files, sendfile_and_copy_file_range)
{
    make("from", std::string(100'000, 'q'));
    int in = open("from", O_RDONLY), out = open("to", O_CREAT | O_RDWR, 0644);
    off_t at = 50'000;
    CHECK_EQ(sendfile(out, in, &at, 100'000), 50'000);
    CHECK_EQ(at, 100'000);
    CHECK_EQ(copy_file_range(in, nullptr, out, nullptr, 1000, 0), 1000);
    CHECK_EQ(status_of("to").st_size, 51'000);
}

TEST(files, file_size_limit_and_holes)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(posix_fallocate(fd, 0, 20'000), 0);
    CHECK_EQ(status_of("f").st_size, 20'000);
    CHECK_EQ(pwrite(fd, std::string(20'000, 'x').data(), 20'000, 0), 20'000);
    CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096), 0);
    char c;
    CHECK_EQ(pread(fd, &c, 1, 5000), 1);
    CHECK_EQ(c, 0);
    CHECK_ERRNO(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10), EOPNOTSUPP);
}

TEST(files, devices)
{
    int zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR), null = open("/dev/null", O_RDWR);
    char buffer[100] = {1};
    CHECK_EQ(read(zero, buffer, 100), 100);
    CHECK_EQ(buffer[0], 0);
    CHECK_ERRNO(write(full, "x", 1), ENOSPC);
    CHECK_EQ(write(null, "x", 1), 1);
    CHECK_EQ(read(null, buffer, 1), 0);
    int random = open("/dev/urandom", O_RDONLY);
    std::set<std::string> seen;
    for (int i = 0; i < 10; ++i) {
        CHECK_EQ(read(random, buffer, 16), 16);
        CHECK(seen.insert(std::string(buffer, 16)).second);
    }
    CHECK_EQ(mknod("n", S_IFCHR | 0600, 0x7fff), 0);
    CHECK_ERRNO(open("n", O_RDWR), ENXIO);
    CHECK_ERRNO(ioctl(null, TIOCGWINSZ, buffer), ENOTTY);
}

TEST(permissions, mode_bits_bind_users_not_root)
{
    make("private", "secret", 0600);
    make("public", "open", 0644);
    mkdir("closed", 0700);
    make("closed/f", "x", 0666);
    chmod(".", 0755);
    CHECK_EQ(as_user([] {
                 CHECK_ERRNO(open("private", O_RDONLY), EACCES);
                 CHECK_ERRNO(open("public", O_WRONLY), EACCES);
                 CHECK_EQ(content("public"), "open");
                 CHECK_ERRNO(open("closed/f", O_RDONLY), EACCES);
                 CHECK_ERRNO(open("created", O_CREAT | O_WRONLY, 0600), EACCES);
                 CHECK_ERRNO(unlink("public"), EACCES);
                 CHECK_ERRNO(chmod("public", 0777), EPERM);
                 CHECK_ERRNO(chown("public", 1000, 1000), EPERM);
                 CHECK_ERRNO(access("private", R_OK), EACCES);
                 CHECK_EQ(access("public", R_OK), 0);
             }),
             0);
    CHECK_EQ(access("private", R_OK | W_OK), 0);
    CHECK_ERRNO(access("private", X_OK), EACCES);  // nobody may run it
}

TEST(permissions, groups_and_sticky)
{
    make("g", "x", 0640);
    CHECK_EQ(chown("g", 0, 2000), 0);
    chmod(".", 01777);
    CHECK_EQ(child_status([] {
                 gid_t groups[] = {2000};
                 CHECK_EQ(syscall(SYS_setgroups32, 1, groups), 0);
                 CHECK_EQ(syscall(SYS_setgid32, 1000), 0);
                 CHECK_EQ(syscall(SYS_setuid32, 1000), 0);
                 CHECK_EQ(content("g"), "x");
                 CHECK_ERRNO(open("g", O_WRONLY), EACCES);
                 make("own");
                 CHECK_EQ(rename("own", "mine"), 0);
                 CHECK_ERRNO(unlink("g"), EPERM);  // sticky folder, not ours
                 CHECK_EQ(unlink("mine"), 0);
                 CHECK_ERRNO(setuid(0), EPERM);
             }),
             0);
}

TEST(permissions, set_id_programs_and_folders)
{
    CHECK_EQ(mkdir("shared", 0777), 0);
    CHECK_EQ(chown("shared", 0, 3000), 0);
    CHECK_EQ(chmod("shared", 02777), 0);
    chmod(".", 0755);
    CHECK_EQ(as_user([] {
                 make("shared/f");
                 CHECK_EQ(status_of("shared/f").st_gid, 3000u);
                 mkdir("shared/d", 0755);
                 CHECK((status_of("shared/d").st_mode & S_ISGID) != 0);
             }),
             0);
    make("suid", "x", 0755);
    CHECK_EQ(chmod("suid", 06755), 0);
    CHECK_EQ(chown("suid", 1000, 1000), 0);
    CHECK_EQ(status_of("suid").st_mode & 07777, 0755u);  // chown took the set-id bits away
    chmod("suid", 06777);
    CHECK_EQ(child_status([] {
                 CHECK_EQ(setgid(1001), 0);
                 CHECK_EQ(setuid(1001), 0);
                 int fd = open("suid", O_WRONLY);
                 CHECK_EQ(write(fd, "y", 1), 1);
             }),
             0);
    CHECK_EQ(status_of("suid").st_mode & S_ISUID, 0u);  // writing does, too
}

TEST(permissions, user_ids)
{
    CHECK_EQ(child_status([] {
                 uid_t r, e, s;
                 CHECK_EQ(setresuid(1000, 1001, 1002), 0);
                 CHECK_EQ(getresuid(&r, &e, &s), 0);
                 CHECK(r == 1000 && e == 1001 && s == 1002);
                 CHECK_EQ(seteuid(1002), 0);
                 CHECK_ERRNO(seteuid(1003), EPERM);
                 CHECK_EQ(setreuid(-1, 1000), 0);
                 CHECK_ERRNO(setresuid(0, 0, 0), EPERM);
                 gid_t groups[] = {1};
                 CHECK_ERRNO(setgroups(1, groups), EPERM);
             }),
             0);
}

TEST(permissions, umask_applies)
{
    CHECK_EQ(umask(027), 022u);
    make("f", "", 0666);
    CHECK_EQ(status_of("f").st_mode & 07777, 0640u);
    mkdir("d", 0777);
    CHECK_EQ(status_of("d").st_mode & 07777, 0750u);
}

TEST(permissions, signals_between_users)
{
    pid_t root = fork();
    if (root == 0)
        for (;;)
            pause();
    static pid_t target;
    target = root;
    CHECK_EQ(as_user([] {
                 CHECK_ERRNO(kill(target, SIGTERM), EPERM);
                 CHECK_ERRNO(kill(target, 0), EPERM);
             }),
             0);
    CHECK_EQ(kill(root, SIGKILL), 0);
    waitpid(root, nullptr, 0);
}

TEST(files, mounts)
{
    if (unshare(CLONE_NEWNS) == 0)
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    mkdir("m", 0755);
    make("m/under", "below");
    CHECK_EQ(mount("none", "m", "tmpfs", 0, "size=64k,mode=700"), 0);
    CHECK_ERRNO(access("m/under", F_OK), ENOENT);
    CHECK_EQ(status_of("m").st_mode & 07777, 0700u);
    CHECK(status_of("m").st_dev != status_of(".").st_dev);
    CHECK_ERRNO(rmdir("m"), EBUSY);
    int fd = open("m/f", O_CREAT | O_RDWR, 0644);
    std::string block(4096, 'x');
    ssize_t n = 0;
    for (int i = 0; i < 64 && n >= 0; ++i)
        n = write(fd, block.data(), block.size());
    CHECK(n == -1 && errno == ENOSPC);
    CHECK_ERRNO(umount("m"), EBUSY);
    close(fd);
    CHECK_ERRNO(rename("m/f", "outside"), EXDEV);
    CHECK_EQ(mount("none", "m", nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    CHECK_ERRNO(open("m/g", O_CREAT | O_RDWR, 0644), EROFS);
    struct statvfs sv;
    CHECK_EQ(statvfs("m", &sv), 0);
    CHECK_EQ(sv.f_blocks * sv.f_frsize, 65536u);
    mkdir("b", 0755);
    CHECK_EQ(mount("m", "b", nullptr, MS_BIND, nullptr), 0);
    CHECK_EQ(access("b/f", F_OK), 0);
    CHECK_EQ(umount("b"), 0);
    CHECK_EQ(umount("m"), 0);
    CHECK_EQ(content("m/under"), "below");
    CHECK_ERRNO(umount("m"), EINVAL);
    CHECK_ERRNO(mount("none", "m", "no-such-type", 0, nullptr), ENODEV);
    CHECK_ERRNO(mount("none", "missing", "tmpfs", 0, nullptr), ENOENT);
}
