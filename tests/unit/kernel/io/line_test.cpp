// SPDX-License-Identifier: MIT
// The line discipline: by table, and then whatever a random typist does, each compared with this machine's Linux.
#include "line_model.hpp"
#include <catch2/catch.hpp>
#include <random>

using namespace io;
namespace t = kernel::termios;
using kernel::Termios;

namespace {
bool have_linux()
{
    static int answer = -1;
    if (answer < 0) {
        try {
            run_linux({});
            answer = 1;
        } catch (std::string const &why) {
            WARN("no pseudo terminals on this machine (" << why << "): the oracle is left out");
            answer = 0;
        }
    }
    return answer == 1;
}

std::string spell(Outcome const &o)
{
    std::string s = "screen \"" + visible(o.screen) + "\", lines";
    for (auto const &l : o.lines)
        s += " \"" + visible(l) + "\"";
    return s;
}

std::string spell(Case const &c)
{
    char flags[96];
    std::snprintf(flags, sizeof flags, "iflag %o oflag %o lflag %o read %zu:", c.termios.iflag, c.termios.oflag,
                  c.termios.lflag, c.read_bytes);
    std::string s = flags;
    for (auto const &step : c.steps)
        s += (step.kind == Step::keys         ? " keys "
                  : step.kind == Step::output ? " output "
                                              : " settings ")
            + visible(step.text);
    return s;
}

void same_as_linux(Case const &c)
{
    if (!have_linux())
        return;
    auto theirs = run_linux(c), ours = run_ours(c);
    if (ours != theirs)
        theirs = run_linux(c, 400);  // on a busy machine its terminal may have been slower than we
    INFO(spell(c));
    CHECK(spell(ours) == spell(theirs));
}

// Linux echoes only when it has taken all that it was given at once, so what stops or discards output depends on what was
// typed together with it. These keys come alone therefore: as if typed by a person.
void type(Case &c, std::string const &keys)
{
    static constexpr char lonely[] = "\x03\x11\x13\x1a\x1c";
    for (std::size_t at = 0; at < keys.size();) {
        auto next = keys.find_first_of(lonely, at + 1);
        c.steps.push_back({Step::keys, keys.substr(at, next == keys.npos ? next : next - at)});
        at = next == keys.npos ? keys.size() : next;
    }
}

Case typed(std::string const &keys)
{
    Case c;
    type(c, keys);
    return c;
}
Case typed(std::string const &keys, std::uint32_t iflag_set, std::uint32_t oflag_set, std::uint32_t lflag_set,
           std::uint32_t lflag_clear)
{
    auto c = typed(keys);
    c.termios.iflag |= iflag_set;
    c.termios.oflag |= oflag_set;
    c.termios.lflag = (c.termios.lflag | lflag_set) & ~lflag_clear;
    return c;
}
}  // namespace

TEST_CASE("a line is read when it is finished")
{
    auto o = run_ours(typed("ab\rcd"));
    CHECK(o.lines == std::vector<std::string>{"ab\n"});
    CHECK(o.screen == "ab\r\ncd");
}

TEST_CASE("editing")
{
    CHECK(run_ours(typed("abc\x7f"
                         "d\r"))
              .lines.at(0)
          == "abd\n");
    CHECK(run_ours(typed("abc\x7f")).screen == "abc\b \b");
    CHECK(run_ours(typed("one two\x17"
                         "3\r"))
              .lines.at(0)
          == "one 3\n");
    CHECK(run_ours(typed("gone\x15kept\r")).lines.at(0) == "kept\n");
    CHECK(run_ours(typed("\x16\x03x\r")).lines.at(0) == "\x03x\n");
}

TEST_CASE("end of file")
{
    CHECK(run_ours(typed("\x04")).lines == std::vector<std::string>{""});
    CHECK(run_ours(typed("ab\x04"
                         "cd\r"))
              .lines
          == std::vector<std::string>{"ab", "cd\n"});
}

TEST_CASE("signals and flow control are no input")
{
    auto o = run_ours(typed("ab\x03"
                            "cd\r"));
    CHECK(o.lines == std::vector<std::string>{"cd\n"});
    CHECK(run_ours(typed("a\x13\x11"
                         "b\r"))
              .lines.at(0)
          == "ab\n");
    CHECK(run_ours(typed("a\x13"
                         "b"))
              .screen
          == "a");
    CHECK(run_ours(typed("a\x13"
                         "b\x11"))
              .screen
          == "ab");
}

TEST_CASE("a raw write reaches the terminal in one piece")
{
    Case c;
    c.termios.oflag = 0;
    std::string frame(512, 'x');
    frame[7] = '\n';
    c.steps.push_back({Step::output, frame});
    CHECK(run_ours(c).screen == frame);
}

TEST_CASE("a line longer than the buffer keeps its end")
{
    auto c = typed(std::string(5000, 'a') + "\r");
    c.termios.lflag &= ~t::echo;
    auto o = run_ours(c);
    REQUIRE(o.lines.size() == 1);
    CHECK(o.lines[0].size() == 4096);
    CHECK(o.lines[0].back() == '\n');
}

TEST_CASE("as this machine's terminal: table")
{
    std::string const tricky = "a\tb\x7f\x7f"
                               "\x01z\x7f\x7f\rq\x12w\x17\x17x y_z\x17\r\x15k\x15\rl\x16\x7f\x16\x16m\x7fn\r";
    for (auto const &keys : {std::string{"plain\r"}, tricky,
                             std::string{"ab\x04"
                                         "cd\x04\x04"
                                         "e\r"},
                             std::string{"a\nb\rc\r"},
                             std::string{"\xc3\xa9\xe2\x82\xac\x7f\x7f"
                                         "x\r"},
                             std::string{"abc\x13"
                                         "def\rg\x11\r"},
                             std::string{"ab\x03"
                                         "c\x1c"
                                         "d\x1a"
                                         "e\r"},
                             std::string{"\xff\xfe\r"}, std::string{"one\ttwo\tthree\x17\x17\x7f\x7f\r"}}) {
        same_as_linux(typed(keys));
        for (std::uint32_t i : {t::istrip, t::inlcr, t::igncr, t::iuclc, t::iutf8, t::parmrk, t::ixany})
            same_as_linux(typed(keys, i, 0, 0, 0));
        for (std::uint32_t o : {t::olcuc, t::ocrnl, t::onocr, t::onlret, t::tab3})
            same_as_linux(typed(keys, 0, o, 0, 0));
        for (std::uint32_t l : {t::icanon, t::echo, t::echoe, t::echok, t::echoctl, t::echoke, t::iexten, t::isig})
            same_as_linux(typed(keys, 0, 0, 0, l));
        same_as_linux(typed(keys, 0, 0, t::echonl, t::echo));
        same_as_linux(typed(keys, 0, 0, t::echoprt, 0));
        same_as_linux(typed(keys, 0, 0, t::noflsh, 0));
        same_as_linux(typed(keys, t::iutf8, t::tab3, t::echoprt, 0));
    }
}

TEST_CASE("as this machine's terminal: short reads")
{
    for (std::size_t n : {1u, 2u, 3u, 4u, 5u}) {
        auto c = typed("abc\rd\x04"
                       "efgh\x04\x04\ri\r");
        c.read_bytes = n;
        same_as_linux(c);
        c.termios.lflag &= ~t::icanon;
        same_as_linux(c);
    }
}

TEST_CASE("as this machine's terminal: full buffer")
{
    for (std::size_t n : {4094u, 4095u, 4096u, 4097u, 5000u}) {
        auto c = typed(std::string(n, 'a') + "\r");
        c.termios.lflag &= ~t::echo;
        same_as_linux(c);
    }
}

TEST_CASE("as this machine's terminal: changing the mode with input waiting")
{
    Termios canonical, raw;
    raw.lflag &= ~t::icanon;
    for (auto const &keys : {std::string{"abc"}, std::string{"abc\rde"}, std::string{"\x04"}, std::string{""}})
        for (bool to_raw : {true, false}) {
            Case c;
            c.termios = to_raw ? canonical : raw;
            c.steps = {{Step::keys, keys},
                       {Step::settings, "", to_raw ? raw : canonical},
                       {Step::keys, "xy"},
                       {Step::keys, "\r"}};
            same_as_linux(c);
        }
}

TEST_CASE("as this machine's terminal: output")
{
    for (std::uint32_t o : {0u, std::uint32_t{t::olcuc}, std::uint32_t{t::ocrnl}, std::uint32_t{t::onocr},
                            std::uint32_t{t::onlret}, std::uint32_t{t::tab3}}) {
        Case c;
        c.termios.oflag |= o;
        c.steps = {{Step::output, "ab\tc\nxyz\r\n\rq\b\tr\xc3\xa9\ts\n"},
                   {Step::keys, "in\t\x7f\x7f"},
                   {Step::output, "\t|\n"}};
        same_as_linux(c);
        c.termios.oflag = o;
        same_as_linux(c);
    }
}

TEST_CASE("as this machine's terminal: a random typist")
{
    std::mt19937 random{20};
    auto pick = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
    static constexpr char typed_keys[] = "ab _\t\r\n\x7f\x15\x17\x16\x12\x04\x03\x1a\x01\x13\x11\xc3\xa9\xff\0Z";
    std::string const keys{typed_keys, sizeof typed_keys - 1};
    for (unsigned round = 0; round < 250; ++round) {
        Case c;
        for (std::uint32_t f : {t::istrip, t::inlcr, t::igncr, t::iuclc, t::iutf8, t::ixany, t::parmrk})
            if (pick(6) == 0)
                c.termios.iflag |= f;
        for (std::uint32_t f : {t::olcuc, t::ocrnl, t::onocr, t::onlret, t::tab3})
            if (pick(6) == 0)
                c.termios.oflag |= f;
        for (std::uint32_t f : {t::echoe, t::echok, t::echoctl, t::echoke, t::iexten, t::isig, t::echo})
            if (pick(8) == 0)
                c.termios.lflag &= ~f;
        for (std::uint32_t f : {t::echoprt, t::echonl, t::noflsh})
            if (pick(8) == 0)
                c.termios.lflag |= f;
        c.read_bytes = pick(3) ? 4096 : 1 + pick(6);
        std::string text;
        for (unsigned n = 1 + pick(40); n > 0; --n)
            text += keys[pick(static_cast<unsigned>(keys.size()))];
        type(c, text + "\x11");
        same_as_linux(c);
    }
}
