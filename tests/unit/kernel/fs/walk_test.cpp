// SPDX-License-Identifier: MIT
// Path resolution: the same tree on both kernels, the same questions, the same answers.
#include "both.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace world;

namespace {
std::string slurp(char const *path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>{file}, {}};
}

void make_tree(Both &both)
{
    both.must(nr::mkdir, both.path("d"), 0755);
    both.must(nr::mkdir, both.path("d/e"), 0755);
    both.must(nr::mkdir, both.path("private"), 0700);
    both.must(nr::mkdir, both.path("private/in"), 0777);
    both.make_file("f", "hello");
    both.make_file("d/g", "gg");
    both.must(nr::symlink, text("f"), both.path("to_f"));
    both.must(nr::symlink, text("d"), both.path("to_d"));
    both.must(nr::symlink, text("d/"), both.path("to_d_slash"));
    both.must(nr::symlink, text("to_d/../f"), both.path("winding"));
    both.must(nr::symlink, text("missing"), both.path("dangling"));
    both.must(nr::symlink, text("loop_b"), both.path("loop_a"));
    both.must(nr::symlink, text("loop_a"), both.path("loop_b"));
    both.must(nr::symlink, text("."), both.path("here"));
    for (int i = 0; i < 45; ++i)
        both.must(nr::symlink, text(i == 0 ? "f" : "chain" + std::to_string(i - 1)),
                  both.path("chain" + std::to_string(i)));
}

std::vector<std::string> questions()
{
    std::vector<std::string> all = {"",
                                    "/",
                                    ".",
                                    "..",
                                    "f",
                                    "f/",
                                    "f/.",
                                    "f/..",
                                    "f/x",
                                    "d",
                                    "d/",
                                    "d/.",
                                    "d/..",
                                    "d/../f",
                                    "d//g",
                                    "d/./g",
                                    "d/e/../g",
                                    "d/e/../../f",
                                    "nope",
                                    "nope/",
                                    "nope/x",
                                    "nope/..",
                                    "to_f",
                                    "to_f/",
                                    "to_f/x",
                                    "to_d",
                                    "to_d/",
                                    "to_d/g",
                                    "to_d/g/",
                                    "to_d_slash",
                                    "to_d_slash/g",
                                    "winding",
                                    "dangling",
                                    "dangling/",
                                    "dangling/x",
                                    "loop_a",
                                    "loop_a/x",
                                    "here/here/here/f",
                                    "private/in",
                                    "private",
                                    "to_d/../to_d/../to_d/g",
                                    "d/e/",
                                    "d/e/.",
                                    "d/e/nope",
                                    "./f",
                                    "./././d/./g",
                                    "d/g/..",
                                    "d/missing/../g"};
    for (int i : {0, 1, 38, 39, 40, 41, 44})
        all.push_back("chain" + std::to_string(i));
    all.push_back(std::string(255, 'n'));
    all.push_back(std::string(256, 'n'));
    all.push_back("d/" + std::string(256, 'n') + "/x");
    std::string slashes = "d" + std::string(2000, '/') + "g", dots = "d";
    for (int i = 0; i < 1000; ++i)
        dots += "/.";
    all.push_back(slashes);
    all.push_back(dots + "/g");
    return all;
}
}  // namespace

TEST_CASE("A path leads where it leads on Linux")
{
    Both both;
    make_tree(both);
    both.enter();
    for (auto const &q : questions()) {
        INFO("path: " << q.substr(0, 80));
        for (unsigned number : {nr::stat64, nr::lstat64}) {
            both.check(number, text(q), address(user(0)));
            if (q != "/")  // the one folder that is not the test's own
                CHECK(both.stat_of_ours() == both.stat_of_linux());
        }
        both.check(nr::access, text(q), 4);
        both.check(nr::readlink, text(q), address(user(0)), 100);
        both.check(nr::mkdir, text(q.empty() ? q : q + "/.."), 0755);
        both.check(nr::rmdir, text(q == "/" || q == "d/e/" ? "nope" : q.empty() ? q : q + "/."));
    }
}

TEST_CASE("Permissions hold for others as on Linux")
{
    if (geteuid() != 0) {
        WARN("skipped: only root may ask this machine's Linux in somebody else's name");
        return;
    }
    Both both;
    make_tree(both);
    both.enter();
    both.must(nr::chmod, text("f"), 0640);
    both.must(nr::chmod, text("d"), 01777);
    both.make_file("d/theirs", "x");
    both.become(1000, 1000);
    for (auto const *q : {"private/in", "private", "f", "d/g", "d/theirs", "d/../private/in/x", "."})
        for (unsigned mode = 0; mode <= 7; ++mode) {
            INFO("path: " << q << " mode " << mode);
            both.check(nr::access, text(q), mode);
        }
    both.check(nr::open, text("f"), 0);
    both.check(nr::open, text("f"), 2);
    both.check(nr::open, text("d/g"), 1);
    both.check(nr::unlink, text("d/theirs"));
    both.check(nr::rename, text("d/theirs"), text("d/mine"));
    both.check(nr::mkdir, text("new"), 0755);
    both.check(nr::mkdir, text("d/new"), 0755);
    both.check(nr::chmod, text("f"), 0777);
    both.check(nr::chmod, text("d/new"), 06755);
    both.check(nr::chown32, text("d/new"), 0, ~0u);
    both.check(nr::chown32, text("d/new"), 1000, 1000);
    both.check(nr::chown32, text("d/new"), 1000, 5);
    both.check(nr::mknod, text("d/dev"), 0020666, 0x103);
    both.check(nr::mknod, text("d/fifo"), 0010666, 0);
    both.check(nr::utime, text("f"), 0);
    both.check(nr::utime, text("d/g"), 0);
    both.check(nr::rmdir, text("d/new"));
    both.check(nr::rename, text("d/fifo"), text("d/fifo2"));
    both.check(nr::unlink, text("d/fifo2"));
    if (slurp("/proc/sys/fs/protected_hardlinks") == "1\n")  // as Lodger, and every Linux with systemd
        both.check(nr::link, text("f"), text("d/f2"));
    both.become(0, 0);
}
