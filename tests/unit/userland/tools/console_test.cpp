// SPDX-License-Identifier: MIT
// xenconsoled: one guest's console over plain memory, with a pipe as its terminal.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/socket.h>
#include <unistd.h>
#include <userland/xenconsoled/guest_console.hpp>

using namespace console;

namespace {
// The guest's side of the page, and the person's side of the terminal.
struct World {
    World()
    {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        ours = ends[0];
        person = ends[1];
        std::memset(&page, 0, sizeof page);
    }
    ~World()
    {
        close(ours);
        close(person);
    }
    std::size_t print(std::string_view text)
    {
        std::size_t n = 0;
        for (; n < text.size() && page.out_prod - page.out_cons < xen::ConsoleRing::out_bytes; ++n)
            page.out[page.out_prod++ % xen::ConsoleRing::out_bytes] = text[n];
        return n;
    }
    std::string typed()
    {
        std::string text;
        while (page.in_cons != page.in_prod)
            text += page.in[page.in_cons++ % xen::ConsoleRing::in_bytes];
        return text;
    }
    std::string seen()
    {
        std::string text;
        char bytes[4096];
        for (ssize_t n; (n = read(person, bytes, sizeof bytes)) > 0;)
            text.append(bytes, static_cast<std::size_t>(n));
        return text;
    }
    void type(std::string_view text)
    {
        REQUIRE(write(person, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    xencons_interface page;
    int ours, person;
};
}  // namespace

TEST_CASE("what a guest prints arrives, what is typed arrives")
{
    World w;
    GuestConsole c{&w.page, w.ours, {}};
    Pace pace;
    w.print("hello\r\n");
    c.on_event();
    CHECK(c.step(pace, 10000).value());
    CHECK(w.seen() == "hello\r\n");
    CHECK_FALSE(c.step(pace, 10000).value());
    w.type("ls\r");
    c.on_terminal(true, false);
    CHECK(c.step(pace, 10000).value());
    CHECK(w.typed() == "ls\r");
}

TEST_CASE("a guest that does not read what is typed holds it back at the terminal")
{
    World w;
    GuestConsole c{&w.page, w.ours, {}};
    Pace pace;
    w.type(std::string(3000, 'x'));
    for (int i = 0; i < 10; ++i) {
        c.on_terminal(true, false);
        CHECK(c.step(pace, 10000).ok());
    }
    CHECK(w.page.in_prod - w.page.in_cons == xen::ConsoleRing::in_bytes);
    CHECK_FALSE(c.wants_input());
    CHECK(w.typed().size() == xen::ConsoleRing::in_bytes);
    CHECK(c.wants_input());
    c.on_terminal(true, false);
    CHECK(c.step(pace, 10000).value());
    CHECK(w.typed().size() == xen::ConsoleRing::in_bytes);
}

TEST_CASE("indices that make no sense end a console")
{
    World w;
    GuestConsole c{&w.page, w.ours, {}};
    Pace pace;
    SECTION("out") { w.page.out_prod = w.page.out_cons + xen::ConsoleRing::out_bytes + 1; }
    SECTION("in")
    {
        w.page.in_cons = 1;
        c.on_terminal(true, false);
    }
    CHECK(c.step(pace, 10000).error() == Error::proto);
}

TEST_CASE("our indices in the page are not believed")
{
    World w;
    GuestConsole c{&w.page, w.ours, {}};
    Pace pace;
    w.print("one");
    c.on_event();
    CHECK(c.step(pace, 10000).value());
    w.page.out_cons = 77;
    w.page.in_prod = 99;
    c.on_event();
    CHECK_FALSE(c.step(pace, 10000).value());
    w.type("x");
    c.on_terminal(true, false);
    CHECK(c.step(pace, 10000).value());
    CHECK(w.page.in_prod == 1);
    CHECK(w.seen() == "one");
}

TEST_CASE("a terminal that nobody reads keeps the newest, and says what it left out")
{
    World w;
    GuestConsole c{&w.page, w.ours, {}};
    std::uint64_t now = 100000, printed = 0;
    for (int i = 0; i < 3000; ++i) {
        Pace pace;
        c.on_period();
        printed += w.print("line " + std::to_string(i) + "\n");
        c.on_event();
        CHECK(c.step(pace, now += 100).ok());
        if (i == 0)
            for (char bytes[4096] = {}; write(w.ours, bytes, sizeof bytes) > 0;) {}  // full from now on
    }
    w.seen();
    c.on_terminal(false, true);
    Pace pace;
    std::string got;
    for (int i = 0; i < 100; ++i) {
        c.on_terminal(false, true);
        CHECK(c.step(pace, now).ok());
        got += w.seen();
    }
    CHECK(got.size() < printed + 100);
    CHECK(got.find("line 2999\n") != std::string::npos);
}

TEST_CASE("a backlog is bounded, and counts what it lost")
{
    Backlog b;
    std::uint64_t const now = 100000;
    CHECK(b.room(now) == Backlog::most);
    std::uint64_t added = 0;
    for (int i = 0; i < 1000; ++i, added += 1000)
        b.add(std::string(1000, static_cast<char>('a' + i % 26)));
    CHECK(b.text().size() <= Backlog::most);
    auto note = std::string{b.text().substr(0, b.text().find("]") + 3)};
    std::uint64_t lost = std::stoull(note.substr(note.find(": ") + 2));
    CHECK(lost + b.text().size() - note.size() == added);
    // With a reader nothing is lost: there is just no room.
    b.took(1, now);
    CHECK(b.room(now + 100) == Backlog::most - b.text().size());
    CHECK(b.room(now + 100000) == Backlog::most);
}

TEST_CASE("consoles that print without end share what there is")
{
    Pace pace;
    World a, b;
    GuestConsole one{&a.page, a.ours, {}}, two{&b.page, b.ours, {}};
    std::uint64_t now = 1000;
    unsigned moved[2] = {};
    for (int period = 0; period < 5; ++period, now += Pace::period_ms) {
        if (pace.tick(now)) {
            one.on_period();
            two.on_period();
        }
        moved[0] = moved[1] = 0;
        for (int i = 0; i < 1000; ++i) {
            a.print("x");
            b.print("y");
            one.on_event();
            two.on_event();
            moved[0] += one.step(pace, now).value();
            moved[1] += two.step(pace, now).value();
            a.seen();
            b.seen();
        }
        CHECK(one.waits_for_period(pace));
    }
    CHECK(moved[0] == Pace::per_period / 2);
    CHECK(moved[1] == Pace::per_period / 2);
}

TEST_CASE("a guest's last words are taken whatever the pace")
{
    World w;
    auto path = std::filesystem::temp_directory_path() / ("console-test-" + std::to_string(getpid()));
    {
        GuestConsole c{&w.page, w.ours, LogFile{path, 10000}};
        w.print(std::string(2048, 'z'));
        c.drain(1000);
    }
    std::ifstream file(path);
    CHECK(std::string{std::istreambuf_iterator<char>{file}, {}}.size() == 2048);
    std::filesystem::remove(path);
}

TEST_CASE("a log becomes another when it is long enough")
{
    auto path = (std::filesystem::temp_directory_path() / ("log-test-" + std::to_string(getpid()))).string();
    {
        LogFile log{path, 1000};
        for (int i = 0; i < 25; ++i)
            log.write(std::string(100, static_cast<char>('a' + i)));
    }
    CHECK(std::filesystem::file_size(path) == 500);
    CHECK(std::filesystem::file_size(path + ".1") == 1000);
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".1");
}
