// SPDX-License-Identifier: MIT
// `lodger run`: a program of the user's, its streams, its status; and what a user does wrong.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {
Outcome lodger(std::vector<std::string> arguments, std::string const &input = {}, double seconds = 120)
{
    arguments.insert(arguments.begin(), {built("lodger"), "run", "--mem", "128"});
    auto outcome = run_command(arguments, input, seconds);
    UNSCOPED_INFO("stdout: " << outcome.output << "\nstderr: " << outcome.error_output);
    return outcome;
}

// A folder of the test's own.
struct Scratch {
    fs::path path = fs::temp_directory_path() / ("lodger-test-" + std::to_string(getpid()));
    Scratch() { fs::create_directories(path); }
    ~Scratch() { fs::remove_all(path); }
    std::string file(std::string const &name, std::string const &content, unsigned mode = 0644) const
    {
        auto p = path / name;
        std::ofstream{p, std::ios::binary} << content;
        chmod(p.c_str(), mode);
        return p.string();
    }
};

bool one_sentence(std::string const &text)
{
    return text.starts_with("lodger: ") && text.find('\n') == text.size() - 1;
}
}  // namespace

TEST_CASE("the status of the program is the status of the command", "[run]")
{
    CHECK(lodger({"--", "busybox", "sh", "-c", "exit 7"}).status == 7);
    CHECK(lodger({"--", "true"}).status == 0);
    CHECK(lodger({"--", "sh", "-c", "kill -TERM $$"}).status == 128 + 15);
    CHECK(lodger({"--arch", "native", "--", "sh", "-c", "exit 9"}).status == 9);
}

TEST_CASE("the three streams are separate and nothing of the kernel is in them", "[run]")
{
    auto o = lodger({"--", "sh", "-c", "cat; echo error >&2; echo output"}, "input\n");
    CHECK(o.output == "input\noutput\n");
    CHECK(o.error_output == "error\n");
    CHECK(o.status == 0);
}

TEST_CASE("streams are binary clean, both ways", "[run]")
{
    std::mt19937 random{42};
    std::string bytes(300'000, 0);
    for (auto &byte : bytes)
        byte = static_cast<char>(random());
    auto o = lodger({"--", "cat"}, bytes, 240);
    CHECK(o.status == 0);
    CHECK((o.output == bytes));
}

TEST_CASE("files and programs of the host's", "[run]")
{
    Scratch scratch;
    auto data = scratch.file("data", "carried\n");
    CHECK(lodger({"--file", data + ":/srv/data", "--", "cat", "/srv/data"}).output == "carried\n");
    auto script = scratch.file("script", "#!/bin/sh\necho \"$0 has $# arguments: $*\"\n", 0755);
    CHECK(lodger({"--", script, "a b", "c"}).output == "/lodger/script has 2 arguments: a b c\n");
}

TEST_CASE("a dynamically linked program brings its libraries along", "[run]")
{
    auto o = lodger({"--", built("root-test/bin/bash"), "-c", "echo ${BASH_VERSION%%.*} $((2**20)); exit 3"});
    CHECK(o.output == "5 1048576\n");
    CHECK(o.status == 3);
}

TEST_CASE("the log takes what the program's streams must not", "[run]")
{
    Scratch scratch;
    auto log = (scratch.path / "log").string();
    CHECK(lodger({"--log", log, "--", "echo", "hi"}).output == "hi\n");
    std::ifstream file(log);
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    CHECK(text.find("(hv)") != std::string::npos);
}

TEST_CASE("the user's mistakes end in one sentence and a status", "[run]")
{
    Scratch scratch;
    auto check = [](Outcome const &o, int status, char const *names) {
        CHECK(o.status == status);
        CHECK(o.output.empty());
        CHECK(one_sentence(o.error_output));
        CHECK(o.error_output.find(names) != std::string::npos);
    };
    check(lodger({"--", "/bin/true"}), 126, "64-bit");
    check(lodger({"--", scratch.path / "missing"}), 127, "missing");
    check(lodger({"--", "no-such-command"}), 127, "no-such-command");
    check(lodger({"--", scratch.file("plain", "text", 0644)}), 126, "not executable");
    check(lodger({"--", scratch.file("text", "text", 0755)}), 126, "neither");
    check(lodger({"--", scratch.file("short", std::string("\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0", 20), 0755)}), 126,
          "cut short");
    check(lodger({"--file", "nowhere:/x", "--", "true"}), 125, "nowhere");
    check(lodger({"--file", "x", "--", "true"}), 125, "HOST:GUEST");
    check(lodger({"--timeout", "25", "--", "sleep", "1000"}), 124, "25 seconds");
}
