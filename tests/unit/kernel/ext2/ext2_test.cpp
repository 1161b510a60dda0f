// SPDX-License-Identifier: MIT
// ext2 on images that mke2fs made, looked at by e2fsck and debugfs afterwards.
#include "tree.hpp"
#include <catch2/catch.hpp>
#include <cerrno>

using namespace kernel;
using namespace world;

namespace {
std::string pattern(std::size_t n, unsigned seed)
{
    std::string s(n, 0);
    for (std::size_t i = 0; i < n; ++i)
        s[i] = static_cast<char>(seed * 31 + i * 7 + (i >> 9));
    return s;
}
}  // namespace

TEST_CASE("names, files and links come back after a remount, and e2fsck is content")
{
    auto options = GENERATE("-t ext2 -b 1024", "-t ext2 -b 4096", "-t ext2 -b 2048 -I 128 -O ^filetype",
                            "-t ext2 -r 0 -b 1024", "-t ext2 -b 1024 -O ^dir_index,^resize_inode,^sparse_super",
                            "-t ext3 -b 1024");
    begin();
    auto disk = Disk::formatted(options, 8192);
    auto const big = pattern(700'001, 5);
    {
        Mounted fs{disk};
        REQUIRE(fs);
        Tree t{*fs};
        REQUIRE(t.mkdir("/a") == 0);
        REQUIRE(t.mkdir("/a/b") == 0);
        REQUIRE(t.create("/a/b/file") == 0);
        REQUIRE(t.write("/a/b/file", 0, big) == static_cast<int>(big.size()));
        REQUIRE(t.link("/a/b/file", "/a/second") == 0);
        REQUIRE(t.symlink("short", "/a/fast") == 0);
        REQUIRE(t.symlink(std::string(200, 'x'), "/a/slow") == 0);
        REQUIRE(t.create("/sparse") == 0);
        REQUIRE(t.write("/sparse", 50'000'000, "end") == 3);
        for (int i = 0; i < 300; ++i)
            REQUIRE(t.create("/a/b/name-" + std::to_string(i)) == 0);
        for (int i = 0; i < 300; i += 3)
            REQUIRE(t.unlink("/a/b/name-" + std::to_string(i)) == 0);
        REQUIRE(t.rename("/a/b/name-1", "/renamed") == 0);
        REQUIRE(t.rename("/a/b", "/b") == 0);
        REQUIRE(t.rmdir("/a") == -ENOTEMPTY);
    }
    REQUIRE(is_clean(*disk));
    {
        Mounted fs{disk};
        REQUIRE(fs);
        Tree t{*fs};
        std::string text;
        REQUIRE(t.read("/b/file", 0, big.size() + 10, text) == static_cast<int>(big.size()));
        REQUIRE(text == big);
        REQUIRE(t.find("/a/second").value()->attributes.nlink == 2);
        REQUIRE(t.readlink("/a/fast", text) == 5);
        REQUIRE(t.readlink("/a/slow", text) == 200);
        REQUIRE(text == std::string(200, 'x'));
        REQUIRE(t.read("/sparse", 49'999'990, 100, text) == 13);
        REQUIRE(text == std::string(10, 0) + "end");
        REQUIRE(t.find("/sparse").value()->attributes.blocks < 100);
        std::set<std::string> names;
        REQUIRE(t.list("/b", names) == 0);
        REQUIRE(names.size() == 2 + 1 + 199);
        REQUIRE(t.unlink("/b/file") == 0);
        REQUIRE(t.unlink("/a/second") == 0);
        REQUIRE(t.truncate("/sparse", 10) == 0);
    }
    REQUIRE(is_clean(*disk));
}

TEST_CASE("a full disk says so, and everything can be deleted again")
{
    begin();
    auto disk = Disk::formatted("-t ext2 -b 1024 -m 0", 1024);
    std::uint64_t before = 0;
    {
        Mounted fs{disk};
        Tree t{*fs};
        before = fs->statistics().free;
        REQUIRE(t.create("/fill") == 0);
        auto const chunk = pattern(65536, 1);
        std::uint64_t at = 0;
        for (int n = 0; (n = t.write("/fill", at, chunk)) > 0;)
            at += static_cast<std::uint64_t>(n);
        for (int n = 0; (n = t.write("/fill", at, chunk.substr(0, 1024))) > 0;)
            at += static_cast<std::uint64_t>(n);
        REQUIRE(t.write("/fill", at, chunk) == -ENOSPC);
        REQUIRE(at > 900'000);
        REQUIRE(t.mkdir("/dir") == -ENOSPC);
        REQUIRE(fs->statistics().free == 0);
        std::string text;
        REQUIRE(t.read("/fill", 65536, 65536, text) == 65536);
        REQUIRE(text == chunk);
        REQUIRE(t.unlink("/fill") == 0);
        REQUIRE(fs->sync().ok());
        REQUIRE(t.mkdir("/dir") == 0);
    }
    REQUIRE(is_clean(*disk));
    Mounted fs{disk};
    REQUIRE(fs->statistics().free == before - 1);
}
