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

namespace {
// What each domain got of the processor's time while domain 0 slept: 1 is all of it.
std::map<std::string, double> shares_over(Machine &machine, unsigned seconds)
{
    auto uptime = [&] { return std::stod(machine.ask("cut -d' ' -f1 /proc/uptime")); };
    auto const start = uptime();
    auto const begin = machine.processor_ns();
    machine.ask("sleep " + std::to_string(seconds), 200);
    auto end = machine.processor_ns();
    auto const elapsed = uptime() - start;
    std::map<std::string, double> shares;
    for (auto const &[name, ns] : end)
        if (begin.count(name))
            shares[name] = static_cast<double>(ns - begin.at(name)) / 1e9 / elapsed;
    return shares;
}

void check_near(char const *what, double is, double due)
{
    std::cout << what << ": " << 100 * is << " %, due " << 100 * due << " %\n";
    CHECK(is > due * 0.95);
    CHECK(is < due * 1.05);
}
}  // namespace

TEST_CASE("weights and caps over a minute, by the hypervisor's accounts", "[.long][weights]")
{
    Machine machine{256};
    constexpr unsigned weights[] = {128, 256, 512};
    for (unsigned i = 0; i < 3; ++i) {
        create(machine, i + 1, loads[0]);
        machine.pvctl("sched " + name_of(i + 1) + " --weight " + std::to_string(weights[i]));
    }
    machine.ask("sleep 2");
    auto shares = shares_over(machine, 60);
    double const sum = shares["d1"] + shares["d2"] + shares["d3"];
    CHECK(sum > 0.9);
    check_near("weight 128", shares["d1"] / sum, 128.0 / 896);
    check_near("weight 256", shares["d2"] / sum, 256.0 / 896);
    check_near("weight 512", shares["d3"] / sum, 512.0 / 896);

    // The one with the most weight may have a fifth only: what it leaves is the others', by their weights.
    machine.pvctl("sched d3 --cap 20");
    shares = shares_over(machine, 30);
    check_near("cap 20, others busy", shares["d3"], 0.20);
    check_near("weight 256 beside 128", shares["d2"] / (shares["d1"] + shares["d2"]), 256.0 / 384);
    CHECK(shares["d1"] + shares["d2"] > 0.7);

    // A cap holds where nobody else wants the processor, too.
    machine.pvctl("destroy d1");
    machine.pvctl("destroy d2");
    shares = shares_over(machine, 20);
    check_near("cap 20, alone", shares["d3"], 0.20);
    machine.power_off();
}
