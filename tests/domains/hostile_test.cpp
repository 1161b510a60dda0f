// SPDX-License-Identifier: MIT
// Guests with bad intentions beside one that only wants to work: what each of them gets, that the other goes on, and that nothing of
// them is left.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <iostream>

namespace {
struct Deed {
    char const *word;
    char const *told;    // a pattern of what it says when it has done its worst
    bool ends;           // by itself
    char const *reason;  // as pvctl logs it, if it ends
};
constexpr Deed deeds[] = {
    {"triple-fault", "an undefined instruction", true, "crashed"},
    {"spin", "spinning, no event gets through", false, ""},
    {"fill-grants", "^[0-9]* entries in [0-9]* frames; one frame more: -1$", true, "powered off"},
    {"foreign-ports", "^sent to [1-9] ports of its own, to 0 others; bound 0 of", true, "powered off"},
    {"scribble", "^shared_info written over 200 times", true, "powered off"},
    {"hammer-store", "^[0-9]* nodes, then ENOSPC; of others: EACCES, EACCES; it goes on", false, ""},
    {"break-store", "^a request of 4 GB: the daemon hangs up, error [1-9]", true, "powered off"},
    {"take-memory", "^asked for 4 GB, got [01] frames; of domain 0.s it takes away: -1$", true, "powered off"},
    {"foreign-frames", "^of [0-9]* frames of others 0 mapped, 0 pinned; its own root table, to write: -", true,
     "powered off"},
};
}  // namespace

TEST_CASE("guests with bad intentions", "[domains]")
{
    Machine machine{256};
    machine.pvctl("create /etc/xen/small.cfg name=good");
    REQUIRE(machine.starts_shell("good"));
    auto before = machine.resources(), heap = machine.heap();
    for (auto const &deed : deeds) {
        INFO(deed.word);
        machine.ask("rm -f /var/log/xen/pvctl.log");
        machine.pvctl("create /etc/xen/hostile.cfg name=" + std::string{deed.word} + " extra=" + deed.word);
        CHECK(machine.log_has(deed.word, deed.told));
        CHECK(machine.ask_guest("good", "echo $((6 * 7))") == "42\n");
        if (deed.ends) {
            CHECK(machine.wait("grep -q '" + std::string{deed.reason} + "' /var/log/xen/pvctl.log"));
            CHECK(machine.wait("! pvctl list " + std::string{deed.word} + " 2>/dev/null"));
        } else {
            machine.pvctl("destroy " + std::string{deed.word});
        }
        CHECK(machine.resources_become(before));
        CHECK(machine.heap() == heap);
        std::cout << deed.word << ": "
                  << machine.ask("grep -v -e ^--- -e '^Test' /var/log/xen/console/guest-" + std::string{deed.word}
                                 + ".log");
    }
    CHECK(machine.ask_guest("good", "cat /proc/uptime | wc -l") == "1\n");
    machine.power_off();
}
