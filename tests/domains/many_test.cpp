// SPDX-License-Identifier: MIT
// Many domains at once: some do nothing, some all that they can; who does nothing answers all the same.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <iostream>

using Catch::Matchers::Contains;

namespace {
// What keeps a domain busy, as its first program.
constexpr char const *loads[] = {
    "while :; do :; done",       // the processor
    "f() { f | f & wait; }; f",  // processes
    "yes console",               // its console
};

std::string name_of(unsigned i) { return "d" + std::to_string(i); }

void create(Machine &machine, unsigned i, std::string const &program)
{
    auto extra = program.empty() ? "quiet" : "quiet init=/bin/sh -- -c \"" + program + "\"";
    machine.pvctl("create /etc/xen/small.cfg name=" + name_of(i) + " 'extra=" + extra + "'", 0, 120);
}

void many_at_once(Machine &machine, unsigned count)
{
    auto before = machine.resources();
    for (unsigned i = 1; i <= count; ++i)
        create(machine, i, "");
    CHECK_THAT(machine.resources(), Contains(" " + std::to_string(count) + "\n"));
    for (unsigned i : {1u, count / 2, count})
        REQUIRE(machine.starts_shell(name_of(i)));
    // Now a third of them is made anew and does its worst.
    for (unsigned i = 2; i < count; i += 3) {
        if (i == count / 2)
            continue;
        machine.pvctl("destroy " + name_of(i));
        create(machine, i, loads[i / 3 % std::size(loads)]);
    }
    for (unsigned i : {1u, count / 2, count})
        CHECK(machine.ask_guest(name_of(i), "seq 1 100 | wc -l", 120) == "100\n");
    std::cout << machine.pvctl("list") << machine.pvctl("top --batch --iterations 1 --delay 3")
              << machine.pvctl("counters | grep -e free -e heap -e unprivileged");
    machine.ask("for d in $(seq 1 " + std::to_string(count) + "); do pvctl destroy d$d; done", 300);
    CHECK(machine.resources_become(before));
    machine.power_off();
}
}  // namespace

TEST_CASE("eight domains", "[domains]")
{
    Machine machine{512};
    many_at_once(machine, 8);
}

TEST_CASE("sixty-four domains in four gigabytes", "[.long][64]")
{
    Machine machine{4096, 512};
    many_at_once(machine, 64);
}

TEST_CASE("weights and caps over a minute, by the hypervisor's accounts", "[.long][weights]")
{
    Machine machine{256};
    constexpr unsigned weights[] = {128, 256, 512};
    double sum = 0, used[3];
    for (unsigned i = 0; i < 3; ++i) {
        create(machine, i + 1, loads[0]);
        machine.pvctl("sched " + name_of(i + 1) + " --weight " + std::to_string(weights[i]));
    }
    machine.ask("sleep 2");
    auto begin = machine.processor_ns();
    machine.ask("sleep 60", 200);
    auto end = machine.processor_ns();
    for (unsigned i = 0; i < 3; ++i)
        sum += used[i] = static_cast<double>(end[name_of(i + 1)] - begin[name_of(i + 1)]);
    for (unsigned i = 0; i < 3; ++i) {
        auto share = used[i] / sum, due = weights[i] / (128.0 + 256 + 512);
        std::cout << "weight " << weights[i] << ": " << 100 * share << " % of " << sum / 1e9 << " s, due " << 100 * due
                  << " %\n";
        CHECK(share > due * 0.95);
        CHECK(share < due * 1.05);
    }
    machine.power_off();
}
