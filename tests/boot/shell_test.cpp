// SPDX-License-Identifier: MIT
// A person at the shell's prompt: editing, job control, pipes, here-documents, power off.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <unistd.h>

namespace {
void sit_down(Console &console)
{
    INFO(console.transcript());
    REQUIRE(console.use_shell());
}
}  // namespace

TEST_CASE("ash on the console", "[console]")
{
    auto how = GENERATE(as<std::string>{}, "qemu", "native", "bochs");
    DYNAMIC_SECTION("on " << how)
    {
        Console console{boot_command(how)};
        sit_down(console);

        // Commands, pipes, substitution, here-documents.
        CHECK(console.command("echo one two") == "one two\n");
        CHECK(console.command("echo $((6 * 7)) | sed s/4/x/") == "x2\n");
        CHECK(console.command("seq 1 1000 | sort -rn | head -n 2 | tr '\\n' ' '; echo") == "1000 999 \n");
        console.enter("cat > here.txt <<END");
        console.enter("first $((1 + 1))");
        console.enter("second");
        console.enter("END");
        REQUIRE(console.wait_for("ready> "));
        CHECK(console.command("cat here.txt | tr a-z A-Z") == "FIRST 2\nSECOND\n");
        CHECK(console.command("false; echo $?") == "1\n");
        CHECK(console.command("busybox sh -c 'kill -9 $$' ; echo $?").find("137") != std::string::npos);

        // Line editing: cursor left, insert; history with cursor up; erase.
        console.type("echo helo\033[Dl\r");
        CHECK(console.wait_for("\nhello\n", 20));
        REQUIRE(console.wait_for("ready> "));
        console.type("\033[A\r");
        CHECK(console.wait_for("\nhello\n", 20));
        REQUIRE(console.wait_for("ready> "));
        console.type("echo abX\177c\r");
        CHECK(console.wait_for("\nabc\n", 20));
        REQUIRE(console.wait_for("ready> "));

        // ^C ends the foreground job, not the shell.
        console.enter("sleep 1000");
        console.wait_for("\n", 5);
        usleep(500'000);
        console.type("\003");
        REQUIRE(console.wait_for("ready> ", 20));
        CHECK(console.command("echo $?") == "130\n");

        // ^Z stops it; bg and fg go on with it.
        console.enter("sleep 1001");
        console.wait_for("\n", 5);
        usleep(500'000);
        console.type("\032");
        REQUIRE(console.wait_for("Stopped", 20));
        REQUIRE(console.wait_for("ready> "));
        CHECK(console.command("jobs").find("Stopped") != std::string::npos);
        console.command("bg");
        CHECK(console.command("jobs").find("Running") != std::string::npos);
        console.enter("fg");
        REQUIRE(console.wait_for("sleep 1001", 20));
        usleep(500'000);
        console.type("\003");
        REQUIRE(console.wait_for("ready> ", 20));
        CHECK(console.command("jobs") == "");

        // Canonical input: ^D ends a file.
        console.enter("sh -c 'echo star''ted; cat | wc -c'");
        REQUIRE(console.wait_for("started", 20));  // until then the shell has the terminal in its own mode
        console.enter("four");
        REQUIRE(console.wait_for("four", 20));
        console.type("\004");
        CHECK(console.wait_for("5\n", 20));
        REQUIRE(console.wait_for("ready> "));

        // What is typed is not for a command in the background: it is stopped when it reads.
        console.command("cat >taken & sleep 0.5");
        CHECK(console.command("echo for the shell") == "for the shell\n");
        CHECK(console.command("jobs").find("Stopped") != std::string::npos);
        CHECK(console.command("kill -9 %1; sleep 0.2; wc -c <taken") == "0\n");
        console.command("true");  // the job's end is told before the next prompt

        INFO(console.transcript());
        console.enter("poweroff");
        CHECK(console.wait_for_end(60) == 0);
    }
}

TEST_CASE("leaving the shell powers the machine off", "[console]")
{
    Console console{boot_command("qemu")};
    sit_down(console);
    console.enter("exit");
    CHECK(console.wait_for_end(60) == 0);
}

TEST_CASE("programs that take the whole screen", "[console]")
{
    Console console{boot_command("qemu")};
    sit_down(console);
    console.enter("vi note.txt");
    usleep(1'000'000);
    console.type("iwritten in vi\033");
    usleep(500'000);  // as a person would: at once it would be an escape sequence
    console.type(":wq\r");
    REQUIRE(console.wait_for("ready> ", 30));
    CHECK(console.command("cat note.txt") == "written in vi\n");
    console.enter("seq 1 500 | less");
    REQUIRE(console.wait_for("23", 20));
    console.type("q");
    REQUIRE(console.wait_for("ready> ", 20));
    CHECK(console.command("top -b -n 1 | head -n 1").find("Mem:") != std::string::npos);
    CHECK(console.command("ps | grep -c init") != "0\n");
}
