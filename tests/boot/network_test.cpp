// SPDX-License-Identifier: MIT
// The network of one machine with busybox: an address by DHCP, this machine's loopback as the peer, connections both ways.
#include "console.hpp"
#include "host.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>

namespace {
bool one_sentence(std::string const &text)
{
    return text.starts_with("lodger: ") && text.find('\n') == text.size() - 1;
}

// What `seq 30000` prints: no part repeats another.
std::string numbers()
{
    std::string text;
    for (unsigned i = 1; i <= 30'000; ++i)
        text += std::to_string(i) + '\n';
    return text;
}

std::string page(std::string const &request)
{
    return request.starts_with("GET /numbers ") ? "HTTP/1.0 200 OK\r\n\r\n" + numbers()
                                                : "HTTP/1.0 404 Not Found\r\n\r\n";
}

std::string backwards(std::string const &request) { return {request.rbegin(), request.rend()}; }

struct Machine {
    std::string http = free_port(), talk = free_port();
    Console console;
    explicit Machine(std::string const &arch)
        : console{{built("lodger"), "boot", "--arch", arch, "--net-open", "--forward", http + ":8080", "--forward",
                   talk + ":8081"}}
    {
    }
    std::string operator()(std::string const &line) { return console.command(line); }
};

void has_an_address(Machine &guest)
{
    CHECK(guest("ip -4 -o address show | grep -v ' lo ' | awk '{ print $2, $4 }'") == "eth0 10.0.2.15/24\n");
    CHECK(guest("ip route | grep default") == "default via 10.0.2.2 dev eth0 \n");
    CHECK(guest("cat /etc/resolv.conf") == "nameserver 10.0.2.3\n");
    CHECK(guest("ping -c 2 -q 10.0.2.2 | grep -o '[0-9]*% packet loss'") == "0% packet loss\n");
    CHECK(guest("ifconfig eth0 | grep -o 'inet addr:[0-9.]*'") == "inet addr:10.0.2.15\n");
    CHECK(guest("arp -n | grep -c 10.0.2.2") == "1\n");
}

void connects_to_the_host(Machine &guest)
{
    Server http{page, "\r\n\r\n"}, talk{backwards, "\n"};
    auto url = "http://10.0.2.2:" + http.port();
    guest("wget -q -O /tmp/numbers " + url + "/numbers");
    CHECK(guest("md5sum </tmp/numbers") == guest("seq 30000 | md5sum"));
    CHECK(guest("wget -q -O - " + url + "/absent || echo refused").ends_with("refused\n"));
    CHECK(guest("echo stressed | nc 10.0.2.2 " + talk.port() + "; echo").ends_with("desserts\n"));
    CHECK(guest("nc -w 5 127.0.0.1 9 </dev/null || echo refused").ends_with("refused\n"));
    CHECK(http.served() == 2);
    CHECK(talk.served() == 1);
}

void is_connected_to(Machine &guest)
{
    CHECK(guest("mkdir www; mv numbers www; httpd -p 8080 -h www; nc -l -p 8081 -e tr a-z A-Z & "
                "until netstat -tln | grep -q :8081; do sleep 0.1; done; netstat -tln | grep -c ':808[01] '")
              .ends_with("2\n"));
    for (int i = 0; i < 3; ++i) {
        auto answer = converse(guest.http, "GET /numbers HTTP/1.0\r\n\r\n");
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(answer.ends_with("\r\n\r\n" + numbers()));
    }
    CHECK(converse(guest.talk, "from the host\n") == "FROM THE HOST\n");
    CHECK(converse(guest.talk, "nobody listens any more\n").empty());
}
}  // namespace

TEST_CASE("a machine's network: DHCP, ping, connections to this host and from it", "[network]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    DYNAMIC_SECTION(arch)
    {
        Machine guest{arch};
        bool ready = guest.console.use_shell();
        INFO(guest.console.transcript());
        REQUIRE(ready);
        guest("stty columns 200");  // so that no echo is wrapped
        has_an_address(guest);
        connects_to_the_host(guest);
        is_connected_to(guest);
        guest.console.enter("poweroff -f");
        CHECK(guest.console.wait_for_end() == 0);
    }
}

TEST_CASE("the network is up before the program of `lodger run`, and closed without --net-open", "[network]")
{
    Server http{page, "\r\n\r\n"};
    bool const domain0 = GENERATE(false, true);
    std::vector<std::string> command{built("lodger"), "run", "--net"};
    if (domain0)
        command.push_back("--dom0");
    auto interface = domain0 ? "xenbr0" : "eth0";
    command.insert(command.end(),
                   {"--", "sh", "-c",
                    std::string{"ip -4 -o address show dev "}
                        + interface + " | awk '{ print $4 }'; wget -O - http://10.0.2.2:" + http.port() + "/numbers"});
    auto o = run_command(command);
    INFO(o.error_output);
    CHECK(o.output == "10.0.2.15/24\n");
    CHECK(o.status == 1);
    CHECK(o.error_output.find("can't connect") != std::string::npos);
    CHECK(http.served() == 0);
}

TEST_CASE("a guest domain behind the bridge: DHCP, domain 0 and this host over netfront and netback", "[network]")
{
    Server http{page, "\r\n\r\n"};
    Console console{{"qemu-system-x86_64",
                     "-accel",
                     "tcg",
                     "-cpu",
                     "max",
                     "-m",
                     "320",
                     "-nodefaults",
                     "-display",
                     "none",
                     "-serial",
                     "mon:stdio",
                     "-no-reboot",
                     "-device",
                     "isa-debug-exit,iobase=0xf4,iosize=0x04",
                     "-netdev",
                     "user,id=net0",
                     "-device",
                     "virtio-net-pci,netdev=net0,disable-legacy=on,romfile=",
                     "-kernel",
                     built("hv.elf"),
                     "-append",
                     "dom0_mem=112M",
                     "-initrd",
                     built("guestos-pv-x86.elf") + " LODGER_NET=dhcp," + built("dom0.cpio")}};
    INFO(console.transcript());
    REQUIRE(console.wait_for("root@lodger"));
    console.type("\x1d");  // from the first guest's console to domain 0
    REQUIRE(console.wait_for("root@dom0"));
    REQUIRE(console.use_shell());
    console.command("pvctl destroy lodger; cd /etc/xen; sed s/96/64/ lodger.cfg >/tmp/net.cfg; cd /tmp");
    console.command("echo 'extra=\"LODGER_NET=dhcp\"' >>net.cfg; httpd -h /boot");
    auto sum = console.command("md5sum </boot/initrd.cpio");
    CHECK(console.command("pvctl create net.cfg").empty());
    console.enter("pvctl console lodger");
    REQUIRE(console.wait_for("root@lodger"));
    REQUIRE(console.use_shell());
    CHECK(console.command("ip -4 -o address | grep -o '10.0.2.[0-9/]*' | head -n 1") == "10.0.2.16/24\n");
    CHECK(console.command("ping -c 2 -q 10.0.2.15 | grep -o '[0-9]*% packet loss'") == "0% packet loss\n");
    // From domain 0 large packets with blank checksums, from this host what virtio received.
    CHECK(console.command("wget -q -O - http://10.0.2.15/initrd.cpio | md5sum") == sum);
    console.command("wget -q -O numbers http://10.0.2.2:" + http.port() + "/numbers");
    CHECK(console.command("md5sum <numbers") == console.command("seq 30000 | md5sum"));
    CHECK(http.served() == 1);
}

TEST_CASE("what a user gets wrong about the network is one sentence", "[network][bad-input]")
{
    Server somebody{page, "\r\n\r\n"};
    auto taken = somebody.port() + ":80";
    for (std::string wrong : {std::string{"80"}, std::string{"x:80"}, std::string{"8080:"}, std::string{"70000:80"},
                              std::string{"0:80"}, std::string{"8080:80:80"}, std::string{"8080:80/udp"}, taken}) {
        auto o = run_command({built("lodger"), "run", "--forward", wrong, "--", "true"});
        INFO(wrong << ": " << o.error_output);
        CHECK(o.status == 125);
        CHECK(one_sentence(o.error_output));
        CHECK(o.error_output.find(wrong == taken ? somebody.port() : wrong) != std::string::npos);
    }
    auto bochs = run_command({built("lodger"), "boot", "--net", "--emulator", "bochs"});
    CHECK(bochs.status == 125);
    CHECK(one_sentence(bochs.error_output));
}
