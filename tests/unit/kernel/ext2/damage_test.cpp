// SPDX-License-Identifier: MIT
// Images with wrong numbers in them, and disks that fail: an error and a sentence, never a crash, never a byte outside.
#include "tree.hpp"
#include <catch2/catch.hpp>
#include <cstring>

using namespace kernel;
using namespace world;

namespace {
// A small tree with everything in it, unmounted.
Ref<Disk> furnished(char const *options)
{
    auto disk = Disk::formatted(options, 2048);
    Mounted fs{disk};
    REQUIRE(fs);
    Tree t{*fs};
    REQUIRE(t.mkdir("/a") == 0);
    REQUIRE(t.mkdir("/a/b") == 0);
    for (int i = 0; i < 60; ++i)
        REQUIRE(t.create("/a/file-with-a-long-name-" + std::to_string(i)) == 0);
    REQUIRE(t.write("/a/file-with-a-long-name-1", 0, std::string(400'000, 'x')) == 400'000);
    REQUIRE(t.symlink(std::string(100, 'y'), "/a/slow") == 0);
    REQUIRE(t.symlink("fast", "/a/b/fast") == 0);
    REQUIRE(t.create("/a/b/sparse") == 0);
    REQUIRE(t.write("/a/b/sparse", 10'000'000, "z") == 1);
    return disk;
}

// Uses whatever can be used; the results do not matter.
void roam(Tree &t, std::string const &at, unsigned depth)
{
    std::set<std::string> names;
    (void)t.list(at.empty() ? "/" : at, names);
    unsigned n = 0;
    for (auto const &name : names) {
        if (name == "." || name == ".." || ++n > 80)
            continue;
        auto p = at + "/" + name;
        std::string text;
        (void)t.read(p, 0, 20'000, text);
        (void)t.read(p, 300'000, 20'000, text);
        (void)t.readlink(p, text);
        if (depth < 4)
            roam(t, p, depth + 1);
        switch (n % 6) {
        case 0: (void)t.write(p, 5000, std::string(3000, 'w')); break;
        case 1: (void)t.truncate(p, 100); break;
        case 2: (void)t.unlink(p); break;
        case 3: (void)t.rename(p, p + "-moved"); break;
        case 4: (void)t.punch(p, 1000, 50'000); break;
        default: (void)t.rmdir(p);
        }
    }
    (void)t.create(at + "/new");
    (void)t.mkdir(at + "/newdir");
}

void use(Ref<Disk> disk, bool read_only)
{
    auto opened = ext2::Super::open(disk, read_only, "");
    if (!opened.ok()) {
        REQUIRE(!world::log.empty());  // it says why
        return;
    }
    auto fs = opened.take();
    Tree t{*fs};
    roam(t, "", 0);
    (void)fs->sync();
    (void)fs->statistics();
    fs->unmounted();
}

void fuzz(unsigned rounds, unsigned seed)
{
    char const *formats[] = {"-t ext2 -b 1024 -N 200", "-t ext2 -b 4096 -N 200 -I 128"};
    std::mt19937 random{seed};
    for (auto *format : formats) {
        begin();
        auto const good = furnished(format);
        auto const frames = free_frames();
        for (unsigned round = 0; round < rounds; ++round) {
            world::log.clear();
            Ref<Disk> disk{new Disk(good->bytes.size())};
            disk->bytes = good->bytes;
            for (unsigned changes = 1 + random() % 8; changes != 0; --changes) {
                // Mostly where metadata are: the first part of the disk.
                auto at = random() % (random() % 4 == 0 ? disk->bytes.size() : 200'000);
                switch (random() % 4) {
                case 0: disk->bytes[at] = static_cast<char>(random()); break;
                case 1: disk->bytes[at] = static_cast<char>(disk->bytes[at] ^ 1 << random() % 8); break;
                case 2: std::memset(&disk->bytes[at & ~3u], random() % 2 ? 0xff : 0, 4); break;
                default: {
                    auto value = static_cast<std::uint32_t>(random() % 3000);
                    std::memcpy(&disk->bytes[at & ~3u], &value, 4);
                }
                }
            }
            INFO("round " << round);
            use(disk, random() % 4 == 0);
        }
        CHECK(free_frames() + 64 > frames);  // nothing is kept
    }
}
}  // namespace

TEST_CASE("a damaged super block is refused with a reason")
{
    struct Damage {
        unsigned offset;
        std::uint32_t value;
        char const *says;
    } const damages[] = {{1024 + 56, 0x1234, "not an ext2"},
                         {1024 + 0, 12345, "number of inodes"},
                         {1024 + 4, 9'000'000, "number of inodes"},
                         {1024 + 24, 7, "too large"},
                         {1024 + 32, 0, "blocks in a group"},
                         {1024 + 40, 0, "inodes in a group"},
                         {1024 + 76, 9, "revision"},
                         {1024 + 88, 100, "inodes of bytes"},
                         {1024 + 96, 0x10000, "encrypt"},
                         {1024 + 20, 5, "number of blocks"},
                         {2048, 0xffffffff, "descriptor of group 0"}};
    for (auto const &d : damages) {
        begin();
        auto disk = Disk::formatted("-t ext2 -b 1024", 1024);
        auto const before = disk->bytes;
        std::memcpy(&disk->bytes[d.offset], &d.value, 4);
        auto const damaged = disk->bytes;
        INFO(d.says);
        REQUIRE(!ext2::Super::open(disk, false, "").ok());
        INFO(world::log);
        CHECK(world::log.find(d.says) != std::string::npos);
        CHECK(disk->bytes == damaged);  // nothing was written
    }
}

TEST_CASE("an image that was cut short is refused, and left as it is")
{
    begin();
    auto disk = Disk::formatted("-t ext2 -b 1024", 4096);
    disk->bytes.resize(2'000'000 / 512 * 512);
    disk->set_sectors(disk->bytes.size() / 512);
    auto const before = disk->bytes;
    REQUIRE(!ext2::Super::open(disk, false, "").ok());
    CHECK(world::log.find("truncated") != std::string::npos);
    CHECK(disk->bytes == before);
}

TEST_CASE("an ext4 as mke2fs makes it today is read but not written")
{
    begin();
    auto disk = Disk::formatted("-t ext4 -d guestos/kernel/fs", 16384);
    auto const before = disk->bytes;
    Mounted fs{disk};
    REQUIRE(fs);
    CHECK(fs->read_only);
    CHECK(world::log.find("only read") != std::string::npos);
    CHECK(world::log.find("extent") != std::string::npos);
    Tree t{*fs};
    std::string text;
    REQUIRE(t.read("/dentry.cpp", 0, 100'000, text) > 1000);
    std::FILE *f = std::fopen("guestos/kernel/fs/dentry.cpp", "r");
    std::string expected(100'000, 0);
    expected.resize(std::fread(expected.data(), 1, expected.size(), f));
    std::fclose(f);
    CHECK(text == expected);
    std::set<std::string> names;
    REQUIRE(t.list("/ext2", names) == 0);
    CHECK(names.count("commit.cpp") == 1);
    CHECK(t.create("/x") == -30);
    fs.unmount();
    CHECK(disk->bytes == before);
}

TEST_CASE("a feature nobody here knows is refused by name")
{
    begin();
    auto disk = Disk::formatted("-t ext4 -O inline_data", 8192);
    REQUIRE(!ext2::Super::open(disk, true, "").ok());
    CHECK(world::log.find("refused") != std::string::npos);
    CHECK(world::log.find("inline_data") != std::string::npos);
}

TEST_CASE(
    "an error of the disk is the caller's, once for each descriptor, and metadata that cannot be written end writing")
{
    begin();
    auto disk = Disk::formatted("-t ext2 -b 4096", 8192);
    Mounted fs{disk};
    Tree t{*fs};
    REQUIRE(t.create("/f") == 0);
    REQUIRE(t.write("/f", 0, std::string(100'000, 'a')) == 100'000);
    REQUIRE(fs->sync().ok());
    auto inode = t.find("/f").value();
    auto one = inode->open(0100002).take(), two = inode->open(0100002).take();
    auto buffer = IoBuffer::kernel(const_cast<char *>("hello"), 5);
    std::uint64_t at = 10;
    REQUIRE(one->write(buffer, at).ok());
    disk->fault = [](BlockRequest const &r) { return r.op == BlockOp::write ? Error::io : Error::none; };
    CHECK(one->sync(true).error() == Error::io);
    disk->fault = nullptr;
    CHECK(one->sync(true).ok());
    CHECK(two->sync(true).error() == Error::io);
    CHECK(two->sync(true).ok());
    auto three = inode->open(0100002).take();
    CHECK(three->sync(true).ok());  // it has been told by now

    disk->fault = [](BlockRequest const &r) { return r.op == BlockOp::read ? Error::io : Error::none; };
    std::string text;
    (static_cast<ext2::RegularNode &>(*inode)).pages().invalidate(0, ~0u);
    CHECK(t.read("/f", 50'000, 100, text) == -5);
    disk->fault = nullptr;
    CHECK(t.read("/f", 50'000, 100, text) == 100);

    REQUIRE(t.create("/g") == 0);
    disk->fault = [](BlockRequest const &r) { return r.op == BlockOp::write ? Error::io : Error::none; };
    CHECK(!fs->sync().ok());
    disk->fault = nullptr;
    CHECK(fs->read_only);
    CHECK(t.create("/h") == -30);
    CHECK(t.read("/f", 50'000, 100, text) == 100);
    one = two = three = nullptr;
    inode = nullptr;
    fs.unmount();
    CHECK(e2fsck(disk->bytes, "-p").status <= 1);
}

TEST_CASE("random damage does no more than errors") { fuzz(150, 77); }
TEST_CASE("random damage, for hours", "[long]")
{
    for (unsigned seed = 0; seed < 40; ++seed)
        fuzz(1000, seed);
}
