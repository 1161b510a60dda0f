// SPDX-License-Identifier: MIT
// Kernels packed and plain, and files that are none.
#include <bzlib.h>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/kernel_file.hpp>

using Catch::Matchers::Contains;

namespace {
struct TemporaryFile {
    explicit TemporaryFile(std::string const &content) { std::ofstream{path, std::ios::binary} << content; }
    ~TemporaryFile() { std::filesystem::remove(path); }
    std::string path = std::filesystem::temp_directory_path() / ("kernel-test-" + std::to_string(getpid()));
};

std::string content_of(std::string const &file)
{
    TemporaryFile temporary{file};
    KernelFile kernel{temporary.path};
    return {reinterpret_cast<char const *>(kernel.bytes().data()), kernel.bytes().size()};
}

std::string complaint(std::string const &file)
{
    try {
        content_of(file);
    } catch (Failure const &failure) {
        return failure.what();
    }
    return "none";
}

std::string shell(std::string const &command, std::string const &input)
{
    TemporaryFile in{input};
    std::string out;
    auto pipe = popen((command + " <" + in.path).c_str(), "r");
    for (int c; (c = std::fgetc(pipe)) != EOF;)
        out += static_cast<char>(c);
    pclose(pipe);
    return out;
}

std::string sample()
{
    std::string text = "\177ELF";
    for (unsigned i = 0; i < 40000; ++i)
        text += std::to_string(i * 2654435761u % 1000);
    return text;
}

// As Linux has it: 2 setup sectors behind the boot sector, the payload 100 bytes into what follows.
std::string bz_image(std::string const &payload)
{
    std::string image(3 * 512 + 100, 0);
    auto put = [&](std::size_t at, auto value) { std::memcpy(image.data() + at, &value, sizeof value); };
    put(0x1f1, std::uint8_t{2});
    put(0x202, std::uint32_t{0x53726448});
    put(0x206, std::uint16_t{0x20f});
    put(0x248, std::uint32_t{100});
    put(0x24c, static_cast<std::uint32_t>(payload.size()));
    return image + payload;
}
}  // namespace

TEST_CASE("a kernel is found in each kind of file")
{
    auto text = sample();
    CHECK((content_of(text) == text));
    CHECK((content_of(shell("gzip -9", text)) == text));
    CHECK((content_of(shell("bzip2 -9", text)) == text));
    CHECK((content_of(bz_image(shell("gzip -9", text))) == text));
    CHECK((content_of(bz_image(shell("bzip2", text) + std::string(4, 'x'))) == text));
}

TEST_CASE("damaged files and unknown packings are named")
{
    auto gz = shell("gzip", sample()), bz = shell("bzip2", sample());
    CHECK_THAT(complaint(gz.substr(0, gz.size() / 2)), Contains("gzip data ends too early"));
    CHECK_THAT(complaint(bz.substr(0, bz.size() / 2)), Contains("bzip2 data ends too early"));
    bz[bz.size() / 2] = static_cast<char>(bz[bz.size() / 2] + 1);
    CHECK_THAT(complaint(bz), Contains("bzip2 data is damaged"));
    gz[gz.size() - 6] = static_cast<char>(gz[gz.size() - 6] + 1);
    CHECK_THAT(complaint(gz), Contains("gzip data is damaged"));
    CHECK_THAT(complaint(shell("xz", sample())), Contains("packed with xz"));
    CHECK_THAT(complaint(bz_image("x").substr(0, 0x400)), Contains("cut short"));
    CHECK_THAT(complaint(""), Contains("is empty"));
    CHECK_THROWS_WITH(KernelFile{"/nowhere/at/all"}, Contains("/nowhere/at/all: cannot be read"));
    CHECK_THROWS_WITH(KernelFile{"/tmp"}, Contains("is not a file"));
}
