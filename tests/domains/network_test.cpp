// SPDX-License-Identifier: MIT
// Guests of pvctl on domain 0's bridge: to each other, over a bad line, after a pause, beside a guest that floods. What passes the
// bridge is captured there by Debian's tcpdump, and read by tshark on this host.
#include "machine.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <host.hpp>
#include <paths.hpp>
#include <unistd.h>

using Catch::Matchers::Contains;

namespace {
constexpr char of_eth0[] = "ip -4 -o address show dev eth0 | grep -o '10[.]0[.]2[.][0-9]*' | head -n 1";

std::string line(std::string text) { return text.substr(0, text.find('\n')); }

// A guest with an interface on the bridge; its address.
std::string start(Machine &machine, std::string const &name, std::string const &vif = {}, std::string const &extra = {})
{
    machine.pvctl("create /etc/xen/small.cfg name=" + name + " memory=40 'vif=[\"bridge=xenbr0" + vif
                  + "\"]' 'extra=LODGER_NET=dhcp" + extra + "'");
    REQUIRE(machine.starts_shell(name));
    auto address = line(machine.ask_guest(name, of_eth0));
    CHECK_THAT(address, Catch::Matchers::StartsWith("10.0.2."));
    return address;
}
}  // namespace

TEST_CASE("guests have addresses by DHCP and talk to each other over domain 0's bridge", "[domains][network]")
{
    Machine machine{320, 96, {"NET=1"}};
    // The second asks for more queues than domain 0 offers, the first for none.
    auto one = start(machine, "one"), two = start(machine, "two", {}, " xen_netfront.max_queues=7");
    CHECK(one != two);
    CHECK_THAT(machine.ask_guest("one", "dmesg | grep 'eth0: connected'"),
               Contains(", scatter, segmentation, two event channels, 1 queue"));
    CHECK_THAT(machine.ask_guest("two", "dmesg | grep 'eth0: connected'"), Contains(", 4 queues"));
    CHECK(machine.ask("dmesg | grep -c 'vif[0-9]*[.]0: 4 queues'") == "1\n");
    CHECK(machine.ask("ip -o link | grep -c 'master xenbr0'") == "3\n");
    CHECK_THAT(machine.ask_guest("one", "ping -c 2 -q " + two), Contains(" 0% packet loss"));
    CHECK_THAT(machine.ask_guest("two", "ping -c 2 -q " + one), Contains(" 0% packet loss"));
    auto sum = machine.ask_guest("one", "seq 300000 >/tmp/numbers; httpd -h /tmp; md5sum </tmp/numbers");
    CHECK(machine.ask_guest("two", "wget -q -O - http://" + one + "/numbers | md5sum") == sum);
    CHECK(machine.ask("wget -q -O - http://" + one + "/numbers | md5sum") == sum);
    // Several at once, over all of the queues.
    sum = machine.ask_guest("two", "seq 60000 >/tmp/numbers; httpd -h /tmp; md5sum </tmp/numbers");
    CHECK(machine.ask_guest("one",
                            "for i in 1 2 3 4 5 6; do wget -q -O /tmp/got$i http://" + two
                                + "/numbers & done; wait; md5sum </tmp/got1; cat /tmp/got[1-6] | wc -c")
          == sum + std::to_string(6 * 348'894) + "\n");
    // IPv6: neighbours find each other by link-local addresses.
    auto six = line(machine.ask_guest("one", "ip -6 -o address show dev eth0 | grep -o 'fe80[^/ ]*'"));
    CHECK_THAT(machine.ask_guest("two", "ping6 -c 2 -q -I eth0 " + six), Contains(" 0% packet loss"));
    CHECK_THAT(machine.ask_guest("two", "ip -6 neigh"), Contains(six + " dev eth0 lladdr 00:16:3e:"));
    machine.pvctl("destroy one");
    machine.pvctl("destroy two");
    CHECK(machine.wait("! grep -q vif /proc/net/dev"));
    CHECK(machine.wait("pvctl counters | grep -q '^frames of dead domains still mapped *0$'"));
    CHECK(machine.wait("pvctl counters | grep -q '^unprivileged domains *0$'"));
    machine.power_off();
}

namespace {
struct Scratch {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("lodger-bridge-" + std::to_string(getpid()));
    Scratch() { std::filesystem::create_directories(path); }
    ~Scratch() { std::filesystem::remove_all(path); }
};

// Domain 0 with tcpdump, and a web server for its captures at `port`. What leaves the machine has its checksums completed by the
// kernel, and is in the file `wire`, too.
struct Watched {
    Scratch scratch;
    std::string port = free_port(), guest_port = free_port(), wire = scratch.path / "wire";
    Machine machine{448,
                    208,
                    {"DOM0=" + built("tests/domains/network-dom0.cpio"),
                     "FORWARD=" + port + ":80 " + guest_port + "-10.0.2.16:80",
                     "QEMU_ARGS=-object filter-dump,id=dump,netdev=net0,file=" + wire
                         + " -global virtio-net-pci.csum=off -global virtio-net-pci.guest_csum=off"}};

    Watched() { machine.ask("mkdir /tmp/www; httpd -h /tmp/www; seq 60000 >/tmp/www/numbers"); }
    void capture(std::string const &name)
    {
        machine.ask("tcpdump -Z root -U -i xenbr0 -w /tmp/www/" + name + " tcp 2>/tmp/tcpdump.log & true");
        CHECK(machine.wait("grep -q listening /tmp/tcpdump.log"));
    }
    // Ends it, and brings it here.
    std::string captured(std::string const &name)
    {
        machine.ask("sleep 0.5; killall tcpdump; wait");
        auto file = scratch.path / name;
        auto got = run_command({"curl", "-sS", "-o", file, "http://127.0.0.1:" + port + "/" + name});
        INFO(got.error_output);
        CHECK(got.status == 0);
        return file;
    }
};

unsigned long packets(std::string const &file, std::string const &filter)
{
    auto said = run_command({"tshark", "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
                             "-o", "ip.check_checksum:TRUE", "-Y", filter, "-T", "fields", "-e", "frame.number"});
    INFO(filter << ": " << said.error_output);
    CHECK(said.status == 0);
    return static_cast<unsigned long>(std::count(said.output.begin(), said.output.end(), '\n'));
}

// A number that a command prints.
unsigned long number(Machine &machine, std::string const &command) { return std::stoul("0" + machine.ask(command)); }
unsigned long guest_number(Machine &machine, std::string const &guest, std::string const &command)
{
    return std::stoul("0" + machine.ask_guest(guest, command));
}

// Of an interface's line in /proc/net/dev: 2 bytes received, 4 errors, 5 dropped; 10 bytes sent, 13 dropped.
std::string count_of(std::string const &interface, unsigned column)
{
    return "tr : ' ' </proc/net/dev | awk '$1 == \"" + interface + "\" { print $" + std::to_string(column) + " }'";
}

// The average that ping reports, in milliseconds.
double average(std::string const &ping)
{
    auto at = ping.find("min/avg/max = ");
    auto slash = at == ping.npos ? at : ping.find('/', at + 14);
    return slash == ping.npos ? -1 : std::stod(ping.substr(slash + 1));
}
// Two guests send to domain 0 what they can, another asks. What they send arrives there, and neither has the other's share.
void flood(Machine &machine)
{
    std::string const flooders[] = {"flood", "torrent"};
    std::string vifs[2];
    for (int i = 0; i < 2; ++i) {
        start(machine, flooders[i]);
        vifs[i] = "vif" + line(machine.ask("grep -o 'vif[0-9]*' /proc/net/dev | tr -d vif | sort -n | tail -n 1")) + ".0";
        machine.ask("sleep 300 | nc -l -p " + std::to_string(9 + i) + " | wc -c >/tmp/sunk" + std::to_string(i)
                    + " & true");
    }
    auto alone = average(machine.ask_guest("good", "ping -c 20 -i 0.2 -q 10.0.2.15", 60));
    for (int i = 0; i < 2; ++i)
        machine.ask_guest(flooders[i],
                          "(timeout 20 cat /dev/zero | nc 10.0.2.15 " + std::to_string(9 + i)
                              + " >/dev/null 2>&1; echo over >/tmp/over) & true");
    auto beside = machine.ask_guest("good", "ping -c 20 -i 0.2 -q 10.0.2.15", 60);
    CHECK_THAT(beside, Contains(" 0% packet loss"));
    CHECK(average(beside) < 25 * alone);  // docs/networks.md
    WARN("a round trip beside two floods takes " << average(beside) / alone << " times as long as alone");
    unsigned long sunk[2];
    for (int i = 0; i < 2; ++i) {
        machine.ask_guest(flooders[i], "until [ -s /tmp/over ]; do sleep 0.2; done", 120);
        CHECK(machine.wait("[ -s /tmp/sunk" + std::to_string(i) + " ]"));
        sunk[i] = number(machine, "cat /tmp/sunk" + std::to_string(i));
        auto const sent = guest_number(machine, flooders[i], count_of("eth0", 10)),
                   came = number(machine, count_of(vifs[i], 2));
        WARN(flooders[i] << " sent " << sent << " bytes, " << came << " came to its back end, " << sunk[i]
                         << " to the sink");
        CHECK(sunk[i] > 1'000'000);
        CHECK(came >= sunk[i]);
        CHECK(sent >= came);
        CHECK(sent - came < 100'000);  // an acknowledgment or a neighbour's question while we counted
        CHECK(number(machine, count_of(vifs[i], 4)) == 0);
        CHECK(number(machine, count_of(vifs[i], 5)) == 0);
    }
    CHECK(sunk[0] < 3 * sunk[1]);
    CHECK(sunk[1] < 3 * sunk[0]);
    for (auto const &name : flooders)
        machine.pvctl("destroy " + name);
}

// Between guests and domain 0 nobody computes a checksum or cuts a train into segments: captures on the bridge show both as they are.
void offloads(std::string const &capture, std::string const &guest)
{
    for (auto const &from : {guest, std::string{"10.0.2.15"}}) {
        auto const of = "ip.src == " + from + " && tcp.len > 0";
        INFO(of);
        CHECK(packets(capture, of + " && frame.len > 1514") > 0);
        CHECK(packets(capture, of + " && tcp.checksum.status != 1") == packets(capture, of));
    }
}
}  // namespace

TEST_CASE("a line that loses and reorders, a pause, a flood; checksums on the wire", "[network][long]")
{
    Watched watched;
    auto &machine = watched.machine;
    auto sum = machine.ask("md5sum </tmp/www/numbers");
    auto bad = start(machine, "bad", ",test-loss-permille=50,test-reorder-permille=50");
    auto good = start(machine, "good");
    std::string const fetch = "wget -q -O - http://10.0.2.15/numbers | md5sum";

    // Both directions of a lossy line: everything arrives, nothing is reset, and not much is sent twice.
    watched.capture("lossy");
    CHECK(machine.ask_guest("bad", fetch, 240) == sum);
    machine.ask_guest("bad", "seq 60000 >/tmp/numbers; httpd -h /tmp");
    CHECK(machine.ask("wget -q -O - http://" + bad + "/numbers | md5sum", 240) == sum);
    auto lossy = watched.captured("lossy");
    auto data = packets(lossy, "tcp.len > 0"),
         again = packets(lossy, "tcp.analysis.retransmission || tcp.analysis.fast_retransmission");
    WARN(data << " segments on a line that loses and reorders 5 % each way, " << again << " of them retransmitted");
    CHECK(again > 0);
    CHECK(again * 3 < data);
    CHECK(packets(lossy, "tcp.flags.reset == 1") == 0);
    CHECK(packets(lossy, "tcp.flags.syn == 1 && tcp.options.sack_perm && tcp.options.wscale.shift > 0") >= 4);
    CHECK(packets(lossy, "tcp.options.sack_le && ip.src == " + bad) > 0);  // what either side said it has beyond a gap
    CHECK(packets(lossy, "tcp.options.sack_le && ip.src == 10.0.2.15") > 0);

    // Not scheduled for three seconds in the middle of a transfer.
    watched.capture("paused");
    machine.ask_guest("good", "nc -l -p 7 -e cat >/dev/null 2>&1 & true");
    machine.ask("(seq 20000; sleep 4; seq 20000; sleep 4) | nc " + good + " 7 >/tmp/echo & true");
    CHECK(machine.wait("[ -s /tmp/echo ]"));
    machine.pvctl("pause good");
    machine.ask("sleep 3");
    machine.pvctl("unpause good");
    CHECK(machine.wait("[ \"$(md5sum </tmp/echo)\" = \"$( (seq 20000; seq 20000) | md5sum)\" ]"));
    auto paused = watched.captured("paused");
    again = packets(paused, "tcp.port == 7 && tcp.analysis.retransmission");
    WARN("a pause of three seconds: " << again << " segments retransmitted");
    CHECK(again < 20);
    CHECK(packets(paused, "tcp.port == 7 && tcp.flags.reset == 1") == 0);

    watched.capture("clean");
    CHECK(machine.ask_guest("good", fetch) == sum);
    machine.ask_guest("good", "seq 60000 >/tmp/numbers; httpd -h /tmp");
    CHECK(machine.ask("wget -q -O - http://" + good + "/numbers | md5sum") == sum);
    offloads(watched.captured("clean"), good);

    flood(machine);

    // From this host to domain 0 and to a guest.
    auto got = run_command({"curl", "-sS", "http://127.0.0.1:" + watched.port + "/numbers"});
    CHECK(got.output.size() > 300'000);
    machine.power_off();
    CHECK(packets(watched.wire, "tcp || udp") > 300);
    CHECK(packets(watched.wire, "tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0") == 0);
}
