// SPDX-License-Identifier: MIT
// Locks: random ranges by two processes against a byte-by-byte model; blocking, deadlock, what releases them.
#include "both.hpp"
#include <array>
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <kernel/fs/locks.hpp>
#include <random>

using namespace world;

namespace {
struct Flock64 {  // struct flock64 of i386
    std::int16_t type, whence;
    std::int64_t start __attribute__((packed, aligned(4)));
    std::int64_t length __attribute__((packed, aligned(4)));
    std::int32_t pid;
};
static_assert(sizeof(Flock64) == 24);
constexpr unsigned getlk64 = 12, setlk64 = 13, setlkw64 = 14, ofd_setlk = 37, ofd_setlkw = 38;
constexpr std::int16_t read_lock = 0, write_lock = 1, no_lock = 2;

std::int32_t lock(unsigned fd, unsigned command, std::int16_t type, std::int64_t start, std::int64_t length)
{
    Flock64 f{type, 0, start, length, 0};
    std::memcpy(user(0), &f, sizeof f);
    return call(nr::fcntl64, fd, command, address(user(0)));
}

unsigned open_file(char const *name = "/f")
{
    auto fd = call(nr::open, text(name), O_RDWR | O_CREAT, 0666);
    REQUIRE(fd >= 0);
    return static_cast<unsigned>(fd);
}
}  // namespace

TEST_CASE("Record locks hold exactly the bytes they were put on")
{
    begin();
    constexpr int bytes = 24;
    std::array<kernel::Thread *, 2> threads{&first_thread(), &second_thread()};
    std::array<unsigned, 2> fd{};
    for (unsigned who : {0u, 1u}) {
        run_as(*threads[who]);
        fd[who] = open_file();
    }
    std::array<std::array<std::int16_t, bytes>, 2> held;
    for (auto &h : held)
        h.fill(no_lock);
    std::mt19937 random{3};
    for (int step = 0; step < 20000; ++step) {
        unsigned const who = random() % 2;
        run_as(*threads[who]);
        auto const type = static_cast<std::int16_t>(random() % 3);
        int const start = static_cast<int>(random() % bytes),
                  end = start + static_cast<int>(random() % static_cast<unsigned>(bytes - start));
        bool const to_eof = end == bytes - 1 && random() % 2;
        bool conflict = false;
        for (int i = start; i <= end; ++i)
            conflict |= type != no_lock && held[1 - who][static_cast<unsigned>(i)] != no_lock
                && (type == write_lock || held[1 - who][static_cast<unsigned>(i)] == write_lock);
        // "To the end" meets a lock to the end only if one is there: bytes beyond the model are held by whoever holds the last.
        auto result = lock(fd[who], setlk64, type, start, to_eof ? 0 : end - start + 1);
        if (to_eof && result == -11 && !conflict)
            continue;
        REQUIRE(result == (conflict ? -11 : 0));
        if (!conflict)
            for (int i = start; i <= end; ++i)
                held[who][static_cast<unsigned>(i)] = type;
    }
}

TEST_CASE("F_GETLK tells who is in the way")
{
    begin();
    auto fd = open_file();
    REQUIRE(lock(fd, setlk64, write_lock, 10, 5) == 0);
    run_as(second_thread());
    auto other = open_file();
    REQUIRE(lock(other, getlk64, read_lock, 0, 100) == 0);
    Flock64 f;
    std::memcpy(&f, user(0), sizeof f);
    CHECK(f.type == write_lock);
    CHECK(f.start == 10);
    CHECK(f.length == 5);
    CHECK(f.pid == 100);
    REQUIRE(lock(other, getlk64, read_lock, 15, 100) == 0);
    std::memcpy(&f, user(0), sizeof f);
    CHECK(f.type == no_lock);
}

TEST_CASE("A blocked lock is granted when the other lets go; a circle is refused")
{
    begin();
    auto fd = open_file();
    REQUIRE(lock(fd, setlk64, write_lock, 0, 1) == 0);
    run_as(second_thread());
    auto other = open_file();
    REQUIRE(lock(other, setlk64, write_lock, 1, 1) == 0);
    on_sleep = [&] {
        run_as(first_thread());
        CHECK(lock(fd, setlkw64, write_lock, 1, 1) == -35);  // EDEADLK: they wait for us
        CHECK(lock(fd, setlk64, no_lock, 0, 1) == 0);
    };
    CHECK(lock(other, setlkw64, write_lock, 0, 1) == 0);
    CHECK(lock(other, setlk64, no_lock, 0, 0) == 0);
}

TEST_CASE("Closing any descriptor gives a process's locks up, but not those of a description")
{
    begin();
    auto fd = open_file(), again = open_file();
    auto third = open_file();
    REQUIRE(lock(fd, setlk64, write_lock, 0, 1) == 0);
    REQUIRE(lock(third, ofd_setlk, write_lock, 5, 1) == 0);
    REQUIRE(call(nr::close, again) == 0);
    run_as(second_thread());
    auto other = open_file();
    CHECK(lock(other, setlk64, write_lock, 0, 1) == 0);
    CHECK(lock(other, setlk64, write_lock, 5, 1) == -11);
    run_as(first_thread());
    CHECK(lock(fd, ofd_setlk, write_lock, 5, 1) == -11);  // another description of the same process
    REQUIRE(call(nr::close, third) == 0);
    CHECK(lock(fd, ofd_setlk, write_lock, 5, 1) == 0);
}

TEST_CASE("flock is per description, shared or exclusive, and converts")
{
    begin();
    constexpr unsigned sh = 1, ex = 2, nb = 4, un = 8;
    auto a = open_file(), b = open_file();
    CHECK(call(nr::flock, a, sh | nb) == 0);
    CHECK(call(nr::flock, b, sh | nb) == 0);
    CHECK(call(nr::flock, a, ex | nb) == -11);
    CHECK(call(nr::flock, b, ex | nb) == 0);  // a's lock was lost in the failed conversion
    CHECK(call(nr::flock, b, un) == 0);
    CHECK(call(nr::flock, a, ex | nb) == 0);
    auto copy = call(nr::dup, a);
    CHECK(call(nr::close, a) == 0);
    CHECK(call(nr::flock, b, ex | nb) == -11);
    CHECK(call(nr::close, static_cast<unsigned>(copy)) == 0);
    CHECK(call(nr::flock, b, ex | nb) == 0);
    CHECK(call(nr::flock, b, 3) == -22);
}
