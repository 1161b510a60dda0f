// SPDX-License-Identifier: MIT
// Domain 0's side of a guest's network interface goes and comes while connections are in full flow.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <host.hpp>

using Catch::Matchers::Contains;

namespace {
constexpr char of_eth0[] = "ip -4 -o address show dev eth0 | grep -o '10[.]0[.]2[.][0-9]*' | head -n 1";
constexpr char free_kilobytes[] = "awk '/MemFree/ { print $2 }' /proc/meminfo";
// Ends after a minute in any case.
constexpr char until_over[] = "n=0; until [ -e /tmp/over ] || [ $n -gt 600 ]; do sleep 0.1; n=$((n + 1)); done;";

// Waits ten seconds for more than that to be free, and says how much is: pages that the other end lets go a moment later come back then.
std::string free_kilobytes_above(long kilobytes)
{
    return "n=0; until [ $(" + std::string{free_kilobytes} + ") -gt " + std::to_string(kilobytes)
        + " ] || [ $n -gt 100 ]; do sleep 0.1; n=$((n + 1)); done; " + free_kilobytes;
}

std::string line(std::string text) { return text.substr(0, text.find('\n')); }

// In the background: the sum of what comes from tests/domains/guests/stream, and its number of bytes.
std::string fetch_from(std::string const &address)
{
    return "(wget -q -O - http://" + address
        + "/cgi-bin/stream </dev/null | tee /tmp/got | md5sum >/tmp/came; echo >/tmp/over) & true";
}

// A domain 0 and a guest, web servers both.
struct Pair {
    Machine machine{256, 96, {"NET=1"}};
    std::string address;  // the guest's

    Pair()
    {
        machine.pvctl("create /etc/xen/small.cfg name=g memory=48 'vif=[\"bridge=xenbr0\"]' 'extra=LODGER_NET=dhcp'");
        REQUIRE(machine.starts_shell("g"));
        address = line(machine.ask_guest("g", of_eth0));
        REQUIRE_THAT(address, Catch::Matchers::StartsWith("10.0.2."));
        machine.ask("mkdir -p /tmp/www/cgi-bin; cp /srv/linkwatch /srv/stream /tmp/www; cp /srv/stream "
                    "/tmp/www/cgi-bin; httpd -h /tmp/www");
        machine.ask_guest("g",
                          "mkdir -p /tmp/www/cgi-bin; cd /tmp/www/cgi-bin; wget -q http://10.0.2.15/linkwatch "
                          "http://10.0.2.15/stream; chmod +x *; cd; httpd -h /tmp/www");
    }
    void restart(unsigned times)
    {
        auto text = machine.ask(
            "for i in $(seq " + std::to_string(times) + "); do pvctl network-restart g 0 || break; done; echo $i", 120);
        CHECK(text == std::to_string(times) + "\n");
    }
};
}  // namespace

TEST_CASE("a network's back end goes and comes in the midst of transfers, which lose nothing",
          "[domains][network][restart]")
{
    Pair pair;
    auto &machine = pair.machine;
    machine.ask_guest("g", "/tmp/www/cgi-bin/linkwatch </dev/null >/tmp/links 2>&1 & true");
    CHECK(machine.ask_guest("g", "sleep 0.2; cat /tmp/links") == "watching\n");

    // Both directions at once.
    machine.ask_guest("g", fetch_from("10.0.2.15"));
    machine.ask(fetch_from(pair.address));
    constexpr unsigned restarts = 6;
    for (unsigned i = 0; i < restarts; ++i) {
        machine.ask("sleep 0.4");
        machine.pvctl("network-restart g");
    }
    machine.ask("touch /tmp/stop");
    machine.ask_guest("g", "touch /tmp/stop");
    auto came = machine.ask(std::string{until_over} + "cat /tmp/came", 120),
         came_to_guest = machine.ask_guest("g", std::string{until_over} + "cat /tmp/came", 120);
    CHECK(came.size() > 32);
    CHECK(came == machine.ask_guest("g", "cat /tmp/sent"));
    CHECK(came_to_guest.size() > 32);
    CHECK(came_to_guest == machine.ask("cat /tmp/sent"));
    CHECK(std::stol(machine.ask("wc -c </tmp/got")) > 100'000);
    CHECK(std::stol(machine.ask_guest("g", "wc -c </tmp/got")) > 100'000);
    std::string links = "watching\n";
    for (unsigned i = 0; i < restarts; ++i)
        links += "down\nup\n";
    CHECK(machine.ask_guest("g", "cat /tmp/links") == links);

    // Nothing is kept of a connection that has ended, in either kernel.
    machine.ask_guest("g", "killall linkwatch");
    pair.restart(2);
    machine.ask("sleep 3");  // what the other end still had mapped is looked at every second
    auto const in_use = machine.resources();
    auto const domain0 = std::stol(machine.ask(free_kilobytes)),
               guest = std::stol(machine.ask_guest("g", free_kilobytes));
    constexpr unsigned rounds = 40, less_than_a_frame_each = rounds * 2;
    pair.restart(rounds);
    CHECK(machine.resources_become(in_use));
    auto const of_domain0 = domain0 - less_than_a_frame_each, of_guest = guest - less_than_a_frame_each;
    CHECK(std::stol(machine.ask(free_kilobytes_above(of_domain0))) > of_domain0);
    CHECK(std::stol(machine.ask_guest("g", free_kilobytes_above(of_guest))) > of_guest);

    CHECK_THAT(machine.pvctl("network-restart g 1", 1), Contains("g has no network interface 1"));
    CHECK_THAT(machine.pvctl("network-list g"), Contains("xenbr0") && Contains("connected"));
    machine.pvctl("destroy g");
    machine.power_off();
}
