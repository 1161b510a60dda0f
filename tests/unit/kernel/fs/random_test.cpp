// SPDX-License-Identifier: MIT
// Long random sequences of file system calls on both kernels: every answer, every byte read and the whole tree must be equal.
// The seed is printed on failure; LODGER_SEED=N repeats it, and with LODGER_TRACE=1 each call is shown.
#include "both.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>

using namespace world;

namespace {
constexpr unsigned data_at = 4096, at_fdcwd = ~0u - 99;

class Storm {
public:
    Storm(Both &both, unsigned seed) : both_{both}, random_{seed} {}
    void step();
    void compare_tree(std::string const &folder = ".");
    void close_all();

private:
    unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
    std::string name()
    {
        static char const *const names[] = {"a", "b", "c", "d", "e", "f"};
        std::string s = names[pick(6)];
        for (unsigned depth = pick(3); depth; --depth)
            s += std::string("/") + (pick(12) == 0 ? ".." : names[pick(6)]);
        if (pick(20) == 0)
            s += "/";
        return s;
    }
    void fill(unsigned n)
    {
        for (unsigned i = 0; i < n; ++i)
            user(data_at)[i] = static_cast<char>(random_());
    }
    unsigned descriptor() { return files_.empty() ? 77 : files_[pick(static_cast<unsigned>(files_.size()))]; }
    static std::uint64_t file_number(unsigned fd)
    {
        struct stat s {};
        fstat(static_cast<int>(fd), &s);
        return s.st_ino;
    }
    void name_call();
    void file_call();
    void open_one();
    void check_status(std::string const &);
    Both &both_;
    std::mt19937 random_;
    std::vector<unsigned> files_;  // the same numbers on both sides: moved there by dup2
    unsigned next_ = 200;
};

void Storm::open_one()
{
    if (files_.size() > 12) {
        auto fd = files_.front();
        files_.erase(files_.begin());
        both_.check(nr::close, fd);
    }
    static constexpr unsigned flags[] = {O_RDONLY,
                                         O_WRONLY,
                                         O_RDWR,
                                         O_RDWR | O_CREAT,
                                         O_RDWR | O_CREAT | O_EXCL,
                                         O_WRONLY | O_TRUNC,
                                         O_RDWR | O_CREAT | O_TRUNC,
                                         O_WRONLY | O_APPEND,
                                         O_RDWR | O_APPEND | O_CREAT,
                                         O_RDONLY | O_DIRECTORY,
                                         O_RDONLY | O_NOFOLLOW,
                                         O_CREAT | O_DIRECTORY | O_RDWR};
    auto n = text(name());
    auto f = flags[pick(11)] | 0100000;
    auto ours = call(nr::open, n, f, 0644), theirs = linux_call(nr::open, n, f, 0644);
    Both::trace(nr::open, {n, f, next_}, ours, theirs);
    CHECK((ours < 0 ? ours : 0) == (theirs < 0 ? theirs : 0));
    if (ours < 0 || theirs < 0)
        return;
    auto fd = next_;
    next_ = next_ == 400 ? 200 : next_ + 1;
    REQUIRE(call(nr::dup2, static_cast<unsigned>(ours), fd) == static_cast<int>(fd));
    REQUIRE(linux_call(nr::dup2, static_cast<unsigned>(theirs), fd) == static_cast<int>(fd));
    call(nr::close, static_cast<unsigned>(ours));
    linux_call(nr::close, static_cast<unsigned>(theirs));
    if (std::find(files_.begin(), files_.end(), fd) == files_.end())
        files_.push_back(fd);
}

void Storm::name_call()
{
    auto a = text(name()), b = text(name());
    switch (pick(12)) {
    case 0:
    case 1: both_.check(nr::mkdir, a, 0755); break;
    case 2: both_.check(nr::rmdir, a); break;
    case 3: both_.check(nr::unlink, a); break;
    case 4: both_.check(nr::link, a, b); break;
    case 5: both_.check(nr::symlink, text(name()), a); break;
    case 6:
    case 7: both_.check(nr::rename, a, b); break;
    case 8: both_.check(nr::renameat2, at_fdcwd, a, at_fdcwd, b, 1u << pick(2)); break;
    case 9: both_.check(nr::chmod, a, pick(01000)); break;
    case 10: both_.check(nr::truncate, a, pick(40000)); break;
    default: both_.check(nr::mknod, a, 0140600, 0); break;  // a socket: opening a fifo could wait
    }
}

void Storm::file_call()
{
    auto fd = descriptor();
    auto n = pick(4) == 0 ? pick(20000) : pick(300);
    auto at = pick(30000);
    switch (pick(12)) {
    case 0:
    case 1:
        fill(n);
        both_.check(nr::write, fd, address(user(data_at)), n);
        break;
    case 2:
    case 3:
        both_.check(nr::read, fd, address(user(data_at)), n);
        CHECK(both_.same_output());
        break;
    case 4:
        fill(n);
        both_.check(nr::pwrite64, fd, address(user(data_at)), n, at, 0);
        break;
    case 5:
        both_.check(nr::pread64, fd, address(user(data_at)), n, at, 0);
        CHECK(both_.same_output());
        break;
    case 6:
        both_.check(nr::llseek, fd, 0, at, address(user(data_at)), pick(5));
        CHECK(both_.same_output());
        break;
    case 7: both_.check(nr::ftruncate, fd, at); break;
    case 8: {
        static constexpr unsigned modes[] = {0, 1, 3};
        both_.check(nr::fallocate, fd, modes[pick(3)], at, 0, n, 0);
        break;
    }
    case 9:
        both_.check(nr::fstat64, fd, address(user(0)));
        CHECK(both_.stat_of_ours() == both_.stat_of_linux());
        break;
    case 10: both_.check(nr::copy_file_range, fd, 0, descriptor(), 0, n, 0); break;
    default:  // Linux copies a page onto itself, in an order that depends on the processor
        if (auto from = descriptor(); from == 77 || file_number(from) != file_number(fd))
            both_.check(nr::sendfile64, fd, from, 0, n);
    }
}

void Storm::step()
{
    switch (pick(8)) {
    case 0: open_one(); break;
    case 1:
    case 2:
    case 3: name_call(); break;
    case 4:
        both_.check(nr::lstat64, text(name()), address(user(0)));
        CHECK(both_.stat_of_ours() == both_.stat_of_linux());
        break;
    default: file_call(); break;
    }
}

void Storm::close_all()
{
    for (auto fd : files_)
        both_.check(nr::close, fd);
    files_.clear();
}

void Storm::compare_tree(std::string const &folder)
{
    auto names = both_.list(folder, true);
    CHECK(names == both_.list(folder, false));
    for (auto const &n : names) {
        auto path = folder + "/" + n;
        INFO(path);
        both_.check(nr::lstat64, text(path), address(user(0)));
        CHECK(both_.stat_of_ours() == both_.stat_of_linux());
        bool const inside = both_.is_directory();
        both_.check(nr::readlink, text(path), address(user(data_at)), 200);
        CHECK(both_.same_output());
        if (inside)
            compare_tree(path);
    }
}
}  // namespace

TEST_CASE("Random calls are answered as Linux's tmpfs answers them")
{
    auto *given = std::getenv("LODGER_SEED");
    unsigned const first = given ? static_cast<unsigned>(std::atoi(given)) : 1;
    for (unsigned seed = first; seed < first + (given ? 1 : 12); ++seed) {
        INFO("seed " << seed);
        auto frames = frames_in_use();
        {
            Both both;
            Storm storm{both, seed};
            for (int i = 0; i < 2500; ++i)
                storm.step();
            storm.close_all();
            storm.compare_tree();
        }
        begin();  // unmounts what was there
        CHECK(frames_in_use() == frames);
    }
}
