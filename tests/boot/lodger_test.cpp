// SPDX-License-Identifier: MIT
// The user's command as a whole: its options, every kind of standard input, signals that it is sent, a terminal, its manual.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <unistd.h>

namespace {
Outcome shell(std::string const &line, double seconds = 120)
{
    auto outcome = run_command({"sh", "-c", "lodger=" + built("lodger") + "; " + line}, {}, seconds);
    UNSCOPED_INFO("stdout: " << outcome.output << "\nstderr: " << outcome.error_output);
    return outcome;
}

std::set<std::string> options_in(std::string const &text)
{
    static std::regex const option{"--[a-z][a-z0-9-]+"};
    return {std::sregex_token_iterator{text.begin(), text.end(), option}, {}};
}
}  // namespace

TEST_CASE("standard input may be anything", "[lodger]")
{
    CHECK(shell("$lodger run --mem 128 -- sh -c 'cat; echo end' </dev/null").output == "end\n");
    CHECK(shell("echo from a file >in$$; $lodger run --mem 128 -- cat <in$$; rm in$$").output == "from a file\n");
    CHECK(shell("$lodger run --mem 128 -- sh -c 'cat; echo end' <&-").output == "end\n");
    CHECK(shell("(sleep 1; echo late) | $lodger run --mem 128 -- cat").output == "late\n");
    // A reader that leaves early ends nothing but itself.
    CHECK(shell("$lodger run --mem 128 -- sh -c 'yes | head -n 100000; exit 4' | head -n 1").output == "y\n");
}

TEST_CASE("options of the machine", "[lodger]")
{
    CHECK(shell("$lodger run --mem 128 --cpus 2 -- nproc").output == "1\n");  // the guest uses one
    CHECK(shell("$lodger run --mem 96 -- sh -c 'test $(grep MemTotal /proc/meminfo | tr -dc 0-9) -lt 98304'").status == 0);
    CHECK(shell("$lodger run --mem 128 --kernel-append 'greeting=hello' -- cat /proc/cmdline").output.find("greeting=hello")
          != std::string::npos);
    auto bochs = shell("$lodger run --emulator bochs --mem 128 -- sh -c 'cat; exit 3' </dev/null", 200);
    CHECK(bochs.output.empty());
    CHECK(bochs.status == 3);
}

TEST_CASE("a signal for the command is a signal for the program", "[lodger]")
{
    auto o = shell("$lodger run --mem 128 -- sh -c 'echo ready; exec sleep 1000' >out$$ & p=$!; "
                   "for i in $(seq 600); do grep -q ready out$$ && break; sleep 0.1; done; rm out$$; "
                   "kill -TERM $p; wait $p");
    CHECK(o.status == 128 + SIGTERM);
    o = shell(
        "$lodger run --mem 128 -- sh -c 'trap \"echo caught; exit 9\" TERM; echo ready; while :; do sleep 0.1; done' "
        ">out$$ & p=$!; for i in $(seq 600); do grep -q ready out$$ && break; sleep 0.1; done; "
        "kill -TERM $p; wait $p; s=$?; cat out$$; rm out$$; exit $s");
    CHECK(o.output == "ready\ncaught\n");
    CHECK(o.status == 9);
}

TEST_CASE("on a terminal the program has a terminal", "[lodger]")
{
    Console console{{built("lodger"), "run", "--mem", "128", "--", "sh", "-c",
                     "test -t 0 && test -t 1 && stty size; read line; echo \"got $line\"; sleep 1000"}};
    REQUIRE(console.wait_for("24 80", 60));
    console.enter("typed");
    CHECK(console.wait_for("got typed", 20));
    console.type("\003");
    CHECK(console.wait_for_end(30) == 128 + SIGINT);
}

TEST_CASE("help and manual name the same options", "[lodger]")
{
    auto help = shell("$lodger --help; $lodger run --help; $lodger boot --help");
    CHECK(help.status == 0);
    std::ifstream file(source("docs/lodger.1"));
    std::string manual{std::istreambuf_iterator<char>{file}, {}};
    std::erase(manual, '\\');  // \- is a hyphen
    auto in_manual = options_in(manual);
    for (auto const &option : options_in(help.output)) {
        INFO(option);
        CHECK((option == "--help" || in_manual.count(option) == 1));
    }
    for (auto part : {".TH LODGER", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"}) {
        INFO(part);
        CHECK(manual.find(part) != std::string::npos);
    }
}
