// SPDX-License-Identifier: MIT
// What is said when a kernel or the hypervisor dies, and what about a program that asks for what is not there: with names, in the
// log, and not as success.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace {
struct Run {
    Outcome outcome;
    std::string log;
};

Run run_with_log(std::vector<std::string> arguments)
{
    auto log = std::filesystem::temp_directory_path() / ("lodger-log-" + std::to_string(getpid()));
    arguments.insert(arguments.begin(), {built("lodger"), "run", "--mem", "128", "--log", log.string()});
    Run r{run_command(arguments), {}};
    std::ifstream file(log);
    r.log.assign(std::istreambuf_iterator<char>{file}, {});
    std::filesystem::remove(log);
    UNSCOPED_INFO("stderr: " << r.outcome.error_output << "\nlog: " << r.log);
    return r;
}

std::size_t count(std::string const &text, std::string const &what)
{
    std::size_t n = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1))
        ++n;
    return n;
}
}  // namespace

TEST_CASE("a kernel that panics says where, by names, and the run is a failure", "[crash]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    auto r = run_with_log({"--arch", arch, "--", "sh", "-c", "echo t >/proc/sysrq-trigger; echo c >/proc/sysrq-trigger"});
    CHECK(r.outcome.status == 125);
    CHECK(r.outcome.output.empty());
    CHECK(r.outcome.error_output.find("the machine ended before the program did") != std::string::npos);
    CHECK(r.log.find("sysrq:   sh") != std::string::npos);
    auto panic = r.log.find("panic: sysrq: a crash was asked for");
    REQUIRE(panic != std::string::npos);
    auto entry = arch == "native" ? "sysenter_dispatch" : "syscall_dispatch";  // the C library takes the vDSO's way
    for (auto name : {"store_sysrq", "ProcTextFile::write", "sys_write", "on_syscall", entry})
        CHECK(r.log.find(name, panic) != std::string::npos);
}

TEST_CASE("the hypervisor's keys, and its own report", "[crash]")
{
    Console console{boot_command("qemu")};
    REQUIRE(console.use_shell());
    auto const to_hypervisor = "\001\001\001\001\001\001";  // QEMU takes every second ^A
    console.type(std::string{to_hypervisor} + "d");
    CHECK(console.wait_for("domain 0 (control)", 20));
    console.type("m");
    CHECK(console.wait_for("frames free", 20));
    console.type("e");
    CHECK(console.wait_for("virq", 20));
    console.type("c");
    CHECK(console.wait_for("entries into ring 0", 20));
    CHECK(console.wait_for("mmu_update", 20));
    console.type("C");
    CHECK(console.wait_for("a crash was asked for", 20));
    CHECK(console.wait_for("hv::debug_key", 20));
    CHECK(console.wait_for_end(30) > 0);
}

TEST_CASE("an unknown system call is ENOSYS, and logged once with program, number and arguments", "[crash]")
{
    // The program is the posix tests' own; what it asks for twice is call 940, and call 17 of old.
    auto r = run_with_log({"--", built("posix/posix-tests"), "process.an_unknown_call_is_enosys"});
    CHECK(r.outcome.status == 0);
    CHECK(count(r.log, "unknown system call 940(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)") == 1);
    CHECK(count(r.log, "unknown system call 17(") == 1);
    CHECK(r.log.find("posix-tests[") != std::string::npos);
}
