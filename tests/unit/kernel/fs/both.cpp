// SPDX-License-Identifier: MIT
#include "both.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

namespace world {
namespace {
constexpr std::size_t compared = 65536;
}

Both::Both()
{
    begin();
    char name[] = "/dev/shm/lodger-fs-XXXXXX";
    REQUIRE(mkdtemp(name));
    directory = name;
    REQUIRE(::chmod(name, 0755) == 0);
    REQUIRE(::chdir(name) == 0);
    ::umask(022);
    // Below a folder of its own on either side, so that ".." leads to the same.
    must(nr::mkdir, text("work"), 0755);
    must(nr::chdir, text("work"));
}

Both::~Both()
{
    become(0, 0);
    REQUIRE(::chdir("/") == 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
}

// LODGER_TRACE=1 shows each call, with its names spelt out.
void Both::trace(unsigned number, std::initializer_list<std::uint32_t> arguments, std::int32_t ours, std::int32_t theirs)
{
    static bool const wanted = std::getenv("LODGER_TRACE") != nullptr;
    if (!wanted)
        return;
    std::string line = std::to_string(number) + "(";
    for (auto a : arguments) {
        bool const is_name = a - address(user(user_bytes - text_bytes)) < text_bytes;
        line += is_name ? '"' + std::string{user(a - address(user()))} + "\" "
                        : std::to_string(static_cast<int>(a)) + " ";
    }
    std::fprintf(stderr, "%s) = %d; Linux %d\n", line.c_str(), ours, theirs);
}

std::uint32_t Both::path(std::string const &name) { return text(name); }

std::int32_t Both::check(unsigned number, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                         std::uint32_t e, std::uint32_t f)
{
    std::string before(user(), compared);
    auto ours = call(number, a, b, c, d, e, f);
    ours_.assign(user(), compared);
    std::memcpy(user(), before.data(), compared);
    auto theirs = linux_call(number, a, b, c, d, e, f);
    linux_.assign(user(), compared);
    trace(number, {a, b, c, d, e, f}, ours, theirs);
    INFO("call " << number << "(" << a << ", " << b << ", " << c << ", " << d << ", " << e << ", " << f << ")");
    CHECK(ours == theirs);
    return ours;
}

void Both::must(unsigned number, std::uint32_t a, std::uint32_t b, std::uint32_t c)
{
    REQUIRE(check(number, a, b, c) >= 0);
}

void Both::make_file(std::string const &name, std::string const &contents)
{
    auto ours = call(nr::open, text(name), O_CREAT | O_RDWR, 0666),
         theirs = linux_call(nr::open, text(name), O_CREAT | O_RDWR, 0666);
    REQUIRE(ours >= 0);
    REQUIRE(theirs >= 0);
    auto size = static_cast<std::uint32_t>(contents.size());
    auto at = text(contents);
    REQUIRE(call(nr::write, static_cast<unsigned>(ours), at, size) == static_cast<std::int32_t>(size));
    REQUIRE(linux_call(nr::write, static_cast<unsigned>(theirs), at, size) == static_cast<std::int32_t>(size));
    call(nr::close, static_cast<unsigned>(ours));
    linux_call(nr::close, static_cast<unsigned>(theirs));
}

// fsuid rules all file access; CAP_DAC_* and CAP_FOWNER go with it on Linux, all capabilities here.
void Both::become(unsigned uid, unsigned gid)
{
    if (geteuid() != 0)
        REQUIRE(seteuid(0) == 0);
    REQUIRE(setegid(gid) == 0);
    REQUIRE(seteuid(uid) == 0);
    auto &who = kernel::current().credentials;
    who.uid = who.gid = 0;
    who.euid = who.fsuid = uid;
    who.egid = who.fsgid = gid;
    who.cap_effective = uid == 0 ? who.cap_permitted : 0;
}

bool Both::is_directory() const
{
    struct stat64 s;
    std::memcpy(&s, linux_.data(), sizeof s);
    return S_ISDIR(s.st_mode);
}

std::vector<std::string> Both::list(std::string const &folder, bool ours)
{
    auto ask = ours ? call : linux_call;
    std::vector<std::string> names;
    auto fd = ask(nr::open, text(folder), O_RDONLY | O_DIRECTORY, 0, 0, 0, 0);
    REQUIRE(fd >= 0);
    for (;;) {
        auto n = ask(nr::getdents64, static_cast<unsigned>(fd), address(user(compared)), 300, 0, 0, 0);
        REQUIRE(n >= 0);
        if (n == 0)
            break;
        for (std::int32_t at = 0; at < n;) {
            auto *record = user(compared + static_cast<unsigned>(at));
            std::uint16_t length;
            std::memcpy(&length, record + 16, sizeof length);
            std::string name = record + 19;
            if (name != "." && name != "..")
                names.push_back(name);
            at += length;
        }
    }
    ask(nr::close, static_cast<unsigned>(fd), 0, 0, 0, 0, 0);
    std::sort(names.begin(), names.end());
    return names;
}

std::string Both::describe(std::string const &memory)
{
    struct stat64 s;
    std::memcpy(&s, memory.data(), sizeof s);
    bool const directory_size_differs = (s.st_mode & 0170000) == 0040000;
    std::string out = "mode " + std::to_string(s.st_mode) + " nlink " + std::to_string(s.st_nlink) + " uid "
        + std::to_string(s.st_uid) + " gid " + std::to_string(s.st_gid) + " rdev " + std::to_string(s.st_rdev)
        + " blocks " + std::to_string(s.st_blocks) + " blksize " + std::to_string(s.st_blksize);
    return directory_size_differs ? out : out + " size " + std::to_string(s.st_size);
}
}  // namespace world
