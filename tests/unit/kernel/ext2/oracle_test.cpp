// SPDX-License-Identifier: MIT
// Random operations on ext2 and on the host's own file system: every result, every byte must be the same. Now and then the file
// system is unmounted, looked at by e2fsck and mounted again.
#include "tree.hpp"
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace kernel;
using namespace world;

namespace {
// The same operations by the host's system calls.
class Host {
public:
    Host()
    {
        char name[] = "/dev/shm/ext2-oracle-XXXXXX";
        top_ = mkdtemp(name);
    }
    ~Host() { (void)!std::system(("rm -rf " + top_).c_str()); }
    int create(std::string const &p)
    {
        int fd = ::open(at(p).c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0)
            return -errno;
        close(fd);
        return 0;
    }
    int mkdir(std::string const &p) { return result(::mkdir(at(p).c_str(), 0755)); }
    int unlink(std::string const &p) { return result(::unlink(at(p).c_str())); }
    int rmdir(std::string const &p) { return result(::rmdir(at(p).c_str())); }
    int link(std::string const &a, std::string const &b)
    {
        return result(::linkat(-100, at(a).c_str(), -100, at(b).c_str(), 0));
    }
    int symlink(std::string const &target, std::string const &p)
    {
        return result(::symlink(target.c_str(), at(p).c_str()));
    }
    int readlink(std::string const &p, std::string &text)
    {
        text.assign(4096, 0);
        auto n = ::readlink(at(p).c_str(), text.data(), text.size());
        text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return n < 0 ? -errno : static_cast<int>(n);
    }
    int rename(std::string const &a, std::string const &b, bool exchange)
    {
        return result(static_cast<int>(
            syscall(SYS_renameat2, -100, at(a).c_str(), -100, at(b).c_str(), exchange ? RENAME_EXCHANGE : 0)));
    }
    int write(std::string const &p, std::uint64_t position, std::string const &bytes)
    {
        return with(p, O_RDWR, [&](int fd) {
            return static_cast<int>(pwrite64(fd, bytes.data(), bytes.size(), static_cast<off64_t>(position)));
        });
    }
    int read(std::string const &p, std::uint64_t position, std::size_t n, std::string &bytes)
    {
        bytes.assign(n, 0);
        int got = with(p, O_RDONLY, [&](int fd) {
            return static_cast<int>(pread64(fd, bytes.data(), n, static_cast<off64_t>(position)));
        });
        bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return got;
    }
    int truncate(std::string const &p, std::uint64_t size)
    {
        return with(p, O_RDWR, [&](int fd) { return ftruncate64(fd, static_cast<off64_t>(size)); });
    }
    int punch(std::string const &p, std::uint64_t position, std::uint64_t n)
    {
        return with(p, O_RDWR,
                    [&](int fd) { return fallocate64(fd, 3, static_cast<off64_t>(position), static_cast<off64_t>(n)); });
    }
    bool stat(std::string const &p, struct stat64 &s) { return lstat64(at(p).c_str(), &s) == 0; }

private:
    std::string at(std::string const &p) const { return top_ + p; }
    static int result(int r) { return r < 0 ? -errno : r; }
    template <class F>
    int with(std::string const &p, int flags, F f)
    {
        struct stat64 s;
        if (lstat64(at(p).c_str(), &s) == 0 && S_ISDIR(s.st_mode))
            return -EISDIR;
        int fd = ::open(at(p).c_str(), flags | O_NOFOLLOW | O_LARGEFILE);
        if (fd < 0)
            return -errno;
        int r = result(f(fd));
        close(fd);
        return r;
    }
    std::string top_;
};

void same(int ours, int theirs) { REQUIRE(ours == theirs); }

struct Game {
    Host host;
    Ref<Disk> disk;
    std::unique_ptr<Mounted> fs;
    std::mt19937 random;
    std::uint64_t size_most;

    Game(std::string const &options, unsigned seed, std::uint64_t most) : random{seed}, size_most{most}
    {
        begin();
        disk = Disk::formatted(options, 64 * 1024);
        fs = std::make_unique<Mounted>(disk);
        REQUIRE(*fs);
        REQUIRE(Tree{**fs}.rmdir("/lost+found") == 0);
    }

    // Paths up to three deep over few names, long ones too, so that they meet.
    std::string path()
    {
        std::string p;
        for (unsigned depth = 1 + random() % 3; depth != 0; --depth) {
            p += "/" + std::string(1, static_cast<char>('a' + random() % 6));
            if (random() % 4 == 0)
                p += std::string(100, 'x');
        }
        return p;
    }
    std::uint64_t position() { return random() % 8 == 0 ? random() % size_most : random() % 20000; }

    void step(Tree &t)
    {
        auto a = path(), b = path();
        std::string ours, theirs;
        switch (random() % 16) {
        case 0:
        case 1: return same(t.create(a), host.create(a));
        case 2: return same(t.mkdir(a), host.mkdir(a));
        case 3: return same(t.unlink(a), host.unlink(a));
        case 4: return same(t.rmdir(a), host.rmdir(a));
        case 5: return same(t.link(a, b), host.link(a, b));
        case 6: {
            std::string target(1 + random() % 90, 't');
            return same(t.symlink(target, a), host.symlink(target, a));
        }
        case 7:
        case 8: {
            bool exchange = random() % 4 == 0;
            INFO(a << " -> " << b << (exchange ? " exchange" : ""));
            return same(t.rename(a, b, exchange), host.rename(a, b, exchange));
        }
        case 9:
        case 10:
        case 11: {
            std::string bytes(random() % 8 == 0 ? random() % 30000 : random() % 5000, static_cast<char>(random()));
            auto where = position();
            return same(t.write(a, where, bytes), host.write(a, where, bytes));
        }
        case 12: {
            auto size = position();
            return same(t.truncate(a, size), host.truncate(a, size));
        }
        case 13: {
            auto from = position(), n = 1 + random() % 20000ull;
            return same(t.punch(a, from, n), host.punch(a, from, n));
        }
        case 14: {
            REQUIRE(t.readlink(a, ours) == host.readlink(a, theirs));
            same(ours == theirs, true);
            return;
        }
        default: {
            auto where = position();
            auto n = random() % 30000;
            REQUIRE(t.read(a, where, n, ours) == host.read(a, where, n, theirs));
            REQUIRE(ours == theirs);
        }
        }
    }

    void compare(Tree &t, std::string const &at)
    {
        std::set<std::string> names;
        REQUIRE(t.list(at.empty() ? "/" : at, names) == 0);
        for (auto const &name : names) {
            if (name == "." || name == "..")
                continue;
            auto p = at + "/" + name;
            auto inode = t.find(p).value();
            struct stat64 s;
            REQUIRE(host.stat(p, s));
            REQUIRE((inode->attributes.mode & s_ifmt) == (s.st_mode & S_IFMT));
            if (inode->is_directory()) {
                compare(t, p);
                continue;
            }
            REQUIRE(inode->attributes.nlink == s.st_nlink);
            REQUIRE(inode->attributes.size == static_cast<std::uint64_t>(s.st_size));
            if (inode->type() != s_ifreg || s.st_size > 2'000'000)
                continue;
            std::string ours, theirs;
            t.read(p, 0, static_cast<std::size_t>(s.st_size) + 1, ours);
            host.read(p, 0, static_cast<std::size_t>(s.st_size) + 1, theirs);
            REQUIRE(ours == theirs);
        }
    }

    void remount()
    {
        {
            Tree t{**fs};
            compare(t, "");
        }
        fs->unmount();
        REQUIRE(is_clean(*disk));
        *fs = Mounted{disk};
        REQUIRE(*fs);
        Tree t{**fs};
        compare(t, "");
    }

    void play(unsigned steps, unsigned between)
    {
        for (unsigned i = 0; i < steps; ++i) {
            INFO("step " << i << ", log: " << world::log);
            Tree t{**fs};
            step(t);
            auto const dice = random() % 1000;
            if (dice < 5)
                REQUIRE((*fs)->commit().ok());
            if (dice < 20)
                (*fs)->reap_now();
            if (i % between == between - 1)
                remount();
        }
        remount();
        INFO(world::log);
        REQUIRE(world::log.empty());
    }
};
}  // namespace

TEST_CASE("random operations have the results that the host's file system gives")
{
    auto options = GENERATE("-t ext2 -b 1024 -N 6000", "-t ext2 -b 4096 -N 6000", "-t ext2 -b 2048 -O ^filetype -N 6000");
    Game game{options, 1, 3'000'000};
    game.play(6000, 1500);
}

TEST_CASE("a million random operations", "[long]")
{
    for (unsigned round = 0; round < 10; ++round) {
        char const *options[] = {"-t ext2 -b 1024 -N 6000", "-t ext2 -b 4096 -N 6000",
                                 "-t ext2 -b 2048 -O ^filetype -N 6000"};
        Game game{options[round % 3], 100 + round, round % 2 ? 3'000'000u : 100'000u};
        game.play(100'000, 10'000);
        std::printf("%u00000 operations\n", round + 1);
    }
}
