// SPDX-License-Identifier: MIT
// The initial file system: good archives are unpacked as they are, damaged and hostile ones are refused, whatever they hold.
#include "both.hpp"
#include <catch2/catch.hpp>
#include <cstdio>
#include <kernel/fs/initramfs.hpp>
#include <lib/inflate.hpp>
#include <memory>
#include <random>

using namespace world;

namespace {
using Bytes = std::vector<std::uint8_t>;

struct Collect final : InflateSink {
    Bytes bytes;
    Result<> write(std::span<std::uint8_t const> more) override
    {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return bytes.size() > 64u << 20 ? Result<>{Error::nospc} : Result<>{};
    }
};

Bytes filter(Bytes const &in, std::string const &command)
{
    char name[] = "/tmp/lodger-archive-XXXXXX";
    int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    auto *file = fdopen(fd, "w");
    REQUIRE((in.empty() || std::fwrite(in.data(), in.size(), 1, file) == 1));
    REQUIRE(std::fclose(file) == 0);
    auto *pipe = popen((command + " <" + name).c_str(), "r");
    Bytes out;
    for (int c; (c = std::fgetc(pipe)) != EOF;)
        out.push_back(static_cast<std::uint8_t>(c));
    REQUIRE(pclose(pipe) == 0);
    std::remove(name);
    return out;
}

Bytes sample(unsigned kind, unsigned n)
{
    std::mt19937 random{kind};
    Bytes b;
    for (unsigned i = 0; i < n; ++i)
        b.push_back(static_cast<std::uint8_t>(kind == 0       ? 0
                                                  : kind == 1 ? random()
                                                  : kind == 2 ? "abcab"[random() % 5]
                                                              : i / 7 * (random() % 9 == 0)));
    return b;
}

// A newc archive, by hand.
struct Archive {
    Bytes bytes;
    void number(std::uint32_t n)
    {
        char text[9];
        std::snprintf(text, sizeof text, "%08X", n);
        bytes.insert(bytes.end(), text, text + 8);
    }
    void pad()
    {
        while (bytes.size() % 4)
            bytes.push_back(0);
    }
    void add(std::string const &name, std::uint32_t mode, std::string const &data, std::uint32_t ino = 0,
             std::uint32_t nlink = 1)
    {
        for (char c : std::string("070701"))
            bytes.push_back(static_cast<std::uint8_t>(c));
        for (std::uint32_t n : {ino, mode, 1u, 2u, nlink, 1000u, static_cast<std::uint32_t>(data.size()), 0u, 0u, 5u,
                                1u, static_cast<std::uint32_t>(name.size() + 1), 0u})
            number(n);
        bytes.insert(bytes.end(), name.begin(), name.end());
        bytes.push_back(0);
        pad();
        bytes.insert(bytes.end(), data.begin(), data.end());
        pad();
    }
    Bytes finish()
    {
        add("TRAILER!!!", 0, "");
        return bytes;
    }
};

Archive small_archive()
{
    Archive a;
    a.add(".", 0040755, "");
    a.add("bin", 0040755, "");
    a.add("bin/sh", 0100755, "program");
    a.add("./etc", 0040750, "");
    a.add("etc/link", 0120777, "/bin/sh");
    a.add("one", 0100644, "", 7, 2);
    a.add("two", 0100644, "shared", 7, 2);
    a.add("console", 0020600, "");
    a.add("etc/empty", 0100600, "");
    return a;
}

std::string contents(std::string const &path)
{
    auto fd = call(nr::open, text(path), 0);
    if (fd < 0)
        return "error " + std::to_string(fd);
    auto n = call(nr::read, static_cast<unsigned>(fd), address(user(0)), 100);
    call(nr::close, static_cast<unsigned>(fd));
    return {user(0), static_cast<std::size_t>(n)};
}

Error unpack(Bytes const &image)
{
    begin();
    kernel::InitramfsReport report;
    // A copy of exact size, so that the address sanitizer sees one byte too much.
    std::unique_ptr<std::uint8_t[]> exact{new std::uint8_t[image.size()]};
    std::copy(image.begin(), image.end(), exact.get());
    return kernel::unpack_initramfs({exact.get(), image.size()}, report).error();
}

void expect_small_archive()
{
    CHECK(contents("/bin/sh") == "program");
    CHECK(contents("/etc/link") == "program");
    CHECK(contents("/one") == "shared");
    CHECK(contents("/two") == "shared");
    CHECK(contents("/etc/empty").empty());
    CHECK(call(nr::access, text("/console"), 0) == 0);
}
}  // namespace

TEST_CASE("What gzip compresses is decompressed")
{
    for (unsigned kind = 0; kind < 4; ++kind)
        for (unsigned n : {0u, 1u, 1000u, 32768u, 70000u, 300000u})
            for (auto const *level : {"1", "6", "9"}) {
                auto plain = sample(kind, n);
                auto packed = filter(plain, std::string("gzip -c -") + level);
                Collect out;
                auto inflate = std::make_unique<Inflate>();
                auto used = inflate->run_gzip(packed, out);
                REQUIRE(used.ok());
                CHECK(used.value() == packed.size());
                CHECK(out.bytes == plain);
            }
}

TEST_CASE("A damaged or shortened gzip stream never gives a good end")
{
    auto packed = filter(sample(2, 5000), "gzip -9 -c");
    auto inflate = std::make_unique<Inflate>();
    for (std::size_t n = 0; n < packed.size(); ++n) {
        std::unique_ptr<std::uint8_t[]> exact{new std::uint8_t[n]};
        std::copy_n(packed.begin(), n, exact.get());
        Collect out;
        CHECK_FALSE(inflate->run_gzip({exact.get(), n}, out).ok());
    }
    std::mt19937 random{5};
    for (int i = 0; i < 3000; ++i) {
        auto damaged = packed;
        for (unsigned flips = 1 + random() % 3; flips; --flips)
            damaged[10 + random() % (damaged.size() - 10)] ^= static_cast<std::uint8_t>(1u << random() % 8);
        Collect out;
        if (damaged != packed)
            CHECK_FALSE(inflate->run_gzip(damaged, out).ok());
    }
    for (int i = 0; i < 3000; ++i) {  // nothing but noise
        Bytes noise(1 + random() % 400);
        for (auto &b : noise)
            b = static_cast<std::uint8_t>(random());
        Collect out;
        (void)inflate->run(noise, out);
    }
}

TEST_CASE("Archives are unpacked, plain, compressed and one after the other")
{
    auto plain = small_archive().finish();
    CHECK(unpack(plain) == Error::none);
    expect_small_archive();
    CHECK(unpack(filter(plain, "gzip -c")) == Error::none);
    expect_small_archive();

    Archive more;
    more.add("bin/sh", 0100755, "newer");
    more.add("etc/link", 0040755, "");
    auto second = filter(more.finish(), "gzip -c");
    auto both = plain;
    both.resize((both.size() + 511) / 512 * 512);
    both.insert(both.end(), second.begin(), second.end());
    CHECK(unpack(both) == Error::none);
    CHECK(contents("/bin/sh") == "newer");
    CHECK(call(nr::rmdir, text("/etc/link")) == 0);
}

TEST_CASE("Bad archives are refused with the reason")
{
    auto plain = small_archive().finish();
    for (std::size_t n = 1; n < plain.size(); n += 3) {
        auto cut = plain;
        cut.resize(n);
        INFO("cut to " << n);
        auto error = unpack(cut);
        CHECK((error == Error::nodata || (n + 3 >= plain.size() && error == Error::none)));
    }
    CHECK(unpack({'h', 'e', 'l', 'l', 'o'}) == Error::badmsg);
    CHECK(unpack({0xfd, '7', 'z', 'X', 'Z', 0}) == Error::opnotsupp);
    CHECK(unpack({0x28, 0xb5, 0x2f, 0xfd, 0, 0}) == Error::opnotsupp);
    auto packed = filter(plain, "gzip -c");
    packed.resize(packed.size() / 2);
    CHECK(unpack(packed) == Error::nodata);

    std::mt19937 random{9};
    for (int i = 0; i < 1000; ++i) {  // whatever is written into it, it ends and touches nothing outside
        auto damaged = plain;
        for (unsigned changes = 1 + random() % 4; changes; --changes)
            damaged[random() % damaged.size()] = static_cast<std::uint8_t>(
                random() % 4 ? "0123456789ABCDEF"[random() % 16] : random());
        (void)unpack(damaged);
    }
}
