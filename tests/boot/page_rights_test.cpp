// SPDX-License-Identifier: MIT
// What the page tables of a running machine allow, as QEMU's monitor sees them: no page is both writable and executable, nothing
// of the kernel or the hypervisor is visible from ring 3, and the machine-to-physical table that guests see is read-only.
#include "console.hpp"
#include "paths.hpp"
#include "qemu.hpp"
#include <catch2/catch.hpp>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace {
struct Page {  // "info tlb": one line for each leaf entry
    std::uint64_t address;
    std::string flags;  // XGPDACTUW, '-' where a bit is clear; X: not executable
    bool writable() const { return flags[8] == 'W'; }
    bool executable() const { return flags[0] != 'X'; }
    bool user() const { return flags[7] == 'U'; }
};
struct Range {  // "info mem": with the rights of all levels taken together
    std::uint64_t first, end;
    std::string rights;  // urw
};

std::string ask_monitor(Console &console, std::string const &question)
{
    console.type(question + "\r");
    return console.wait_for("(qemu) ") ? console.before() : std::string{};
}

std::vector<Page> pages(std::string const &answer)
{
    std::vector<Page> found;
    std::istringstream lines{answer};
    for (std::string line; std::getline(lines, line);) {
        Page p{};
        std::string physical;
        char colon = 0;
        std::istringstream words{line};
        if (words >> std::hex >> p.address >> colon >> physical >> p.flags && colon == ':' && p.flags.size() == 9)
            found.push_back(p);
    }
    return found;
}

std::vector<Range> ranges(std::string const &answer)
{
    std::vector<Range> found;
    std::istringstream lines{answer};
    for (std::string line; std::getline(lines, line);) {
        Range r{};
        std::string size;
        char dash = 0;
        std::istringstream words{line};
        if (words >> std::hex >> r.first >> dash >> r.end >> size >> r.rights && dash == '-' && r.rights.size() == 3)
            found.push_back(r);
    }
    return found;
}

constexpr std::uint64_t kernel_start = 0xc000'0000, m2p_start = 0xf580'0000, m2p_end = 0xf5c0'0000;
}  // namespace

TEST_CASE("the page tables of a running machine", "[pages]")
{
    auto how = GENERATE(as<std::string>{}, "native", "pv");
    DYNAMIC_SECTION("on " << how)
    {
        auto command = machine_command(how, "");
        command.push_back("MEMORY=64");  // the monitor prints each page
        Console console{command};
        REQUIRE(console.use_shell());
        console.type("\001c");
        REQUIRE(console.wait_for("(qemu) "));

        auto all = pages(ask_monitor(console, "info tlb"));
        CHECK(all.size() > (how == "pv" ? 10'000u : 500u));
        bool kernel_text = false, user_text = false;
        for (auto const &p : all) {
            CAPTURE(p.address, p.flags);
            REQUIRE_FALSE((p.writable() && p.executable()));
            REQUIRE_FALSE((p.user() && p.address >= kernel_start));
            kernel_text = kernel_text || (p.executable() && p.address >= kernel_start && p.address < m2p_start);
            user_text = user_text || (p.executable() && p.user());
        }
        CHECK((kernel_text && user_text));

        unsigned of_m2p = 0, of_hypervisor = 0;
        for (auto const &r : ranges(ask_monitor(console, "info mem"))) {
            CAPTURE(r.first, r.end, r.rights);
            CHECK_FALSE((r.rights[0] == 'u' && r.end > kernel_start));
            if (r.first < m2p_end && r.end > m2p_start) {
                ++of_m2p;
                CHECK(r.rights[2] == '-');
            }
            of_hypervisor += r.first >= 0xfc00'0000 && r.end <= 0x1'0000'0000;
        }
        CHECK(of_m2p == (how == "pv" ? 1 : 0));
        CHECK(of_hypervisor >= 1);  // natively: the interrupt controllers
        console.type("quit\r");
        CHECK(console.wait_for_end(30) == 0);
    }
}
