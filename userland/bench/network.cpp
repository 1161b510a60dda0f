// SPDX-License-Identifier: MIT
// What a network gives: Debian's iperf3, and requests of one byte with their responses. Within the machine, with the computer that runs
// the emulator (its loopback is 10.0.2.2 here), and with another machine. Answers are lines
//
//     @row NAME               it begins
//     @transaction NAME MICROSECONDS
//     @iperf NAME JSON        the sums of iperf3's own report, in one line
#include "network.hpp"
#include "bench.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace bench {
namespace network {
void set_address(std::string const &text)
{
    auto equals = text.find('=');
    check(equals != text.npos && equals < IFNAMSIZ, "INTERFACE=ADDRESS");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    check(fd >= 0, "socket");
    ifreq request{};
    text.copy(request.ifr_name, equals);
    for (int tries = 0; ioctl(fd, SIOCGIFFLAGS, &request) != 0; ++tries, usleep(100'000))
        check(tries < 100, text.c_str());
    auto set = [&](unsigned long what, std::string const &address) {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        check(inet_pton(AF_INET, address.c_str(), &a.sin_addr) == 1, address.c_str());
        std::memcpy(&request.ifr_addr, &a, sizeof a);
        check(ioctl(fd, what, &request) == 0, text.c_str());
    };
    set(SIOCSIFADDR, text.substr(equals + 1));
    set(SIOCSIFNETMASK, "255.255.255.0");
    check(ioctl(fd, SIOCGIFFLAGS, &request) == 0, "SIOCGIFFLAGS");
    request.ifr_flags |= IFF_UP;
    check(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
    close(fd);
}
}  // namespace network

namespace {
using namespace network;

struct Load {
    char const *name, *options;
    bool needs_loopback;  // false: between two machines as well
};
constexpr Load loads[] = {
    {"TCP out", "", true},
    {"TCP in", "-R", false},
    {"TCP out, 4 at once", "-P 4", true},
    {"TCP in, 4 at once", "-P 4 -R", false},
    {"UDP out", "-u -b 0 -l 1400", true},
    {"UDP in", "-u -b 100M -l 1400 -R", false},
};

std::string contents(char const *path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>{file}, {}};
}

// To whoever watches: this row begins.
void announce(std::string const &name)
{
    std::printf("@row\t%s\n", name.c_str());
    std::fflush(stdout);
}

// The server takes one test after the other, and may not have begun, or not have ended the last.
void iperf(std::string const &name, std::string const &where, unsigned seconds, char const *options)
{
    constexpr char const *report = "/tmp/iperf.json";
    announce(name);
    auto command = std::string{"exec iperf3 -J -4 -c "} + where + " -t " + std::to_string(seconds) + " " + options
        + " >" + report;
    std::string said;
    for (int tries = 0; tries < 20; ++tries, usleep(200'000)) {
        bool const ended = run_command(command) == 0;
        said = contents(report);
        auto const error = said.find("\"error\"");  // its status says nothing of that when it reports so
        if (ended && error == said.npos)
            break;
        if (tries == 19)
            fail(name + ": iperf3: " + said.substr(error == said.npos ? 0 : error, 200));
    }
    // Only the sums: the rest is many kilobytes, through a console to which kernels write too.
    if (auto const sums = said.find("\"end\":\t{"); sums != said.npos)
        said = "{" + said.substr(sums);
    for (auto &c : said)
        if (c == '\n' || c == '\t')
            c = ' ';
    std::printf("@iperf\t%s\t%s\n", name.c_str(), said.c_str());
    std::fflush(stdout);
}

struct Peer {
    std::string name, address;
    std::string iperf_port;
    std::uint16_t answer_port;
};

// Of a row's name only what "only=" said, if it did; with _ for blanks.
std::string only;

bool is_wanted(std::string name)
{
    std::replace(name.begin(), name.end(), ' ', '_');
    return only.empty() || name.find(only) != name.npos;
}

void measure(Peer const &peer, unsigned seconds)
{
    for (auto const &load : loads)
        if (is_wanted(peer.name + ": " + load.name) && (load.needs_loopback || peer.address != "127.0.0.1"))
            iperf(peer.name + ": " + load.name, peer.address + " -p " + peer.iperf_port, seconds, load.options);
    for (bool datagrams : {false, true}) {
        auto name = peer.name + (datagrams ? ": UDP request" : ": TCP request");
        if (!is_wanted(name))
            continue;
        announce(name);
        std::printf("@transaction\t%s\t%.3f\n", name.c_str(),
                    transaction_us(datagrams, peer.address, peer.answer_port, seconds));
        std::fflush(stdout);
    }
}

pid_t start(void (*what)())
{
    auto pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        what();
        _exit(1);
    }
    return pid;
}

std::array<pid_t, 2> start_servers()
{
    return {start([] { answer(answer_port, false); }), start([] { run_command("exec iperf3 -s -4 >/dev/null 2>&1"); })};
}

std::uint16_t port_of(std::string const &text)
{
    return static_cast<std::uint16_t>(std::strtoul(text.c_str(), nullptr, 10));
}
}  // namespace

// host=IPERFPORT,ANSWERPORT: what listens on that computer's loopback. peer=ADDRESS. INTERFACE=ADDRESS. only=ROWS.
void run_network(unsigned seconds, std::vector<std::string> const &words)
{
    load_modules({"failover", "net_failover", "virtio_net"});
    set_address("lo=127.0.0.1");
    std::vector<Peer> peers{{"loopback", "127.0.0.1", "5201", answer_port}};
    for (auto const &word : words) {
        auto value = word.substr(std::min(word.find('='), word.size() - 1) + 1);
        auto comma = std::min(value.find(','), value.size());
        if (word.starts_with("host="))
            peers.push_back({"host", "10.0.2.2", value.substr(0, comma), port_of(value.substr(comma + 1))});
        else if (word.starts_with("peer="))
            peers.push_back({"machine", value, "5201", answer_port});
        else if (word.starts_with("only="))
            only = value;
        else
            set_address(word);
    }
    auto const servers = start_servers();
    for (auto const &peer : peers)
        measure(peer, seconds);
    for (auto pid : servers) {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
}

void serve_network(std::vector<std::string> const &words)
{
    load_modules({"failover", "net_failover", "virtio_net"});
    set_address("lo=127.0.0.1");
    for (auto const &word : words)
        set_address(word);
    start_servers();
    std::printf("@serving\n");
    std::fflush(stdout);
    while (wait(nullptr) >= 0 || errno == EINTR) {}
    fail("a server ended");
}

void answer_on_loopback(unsigned port) { network::answer(static_cast<std::uint16_t>(port), true); }
}  // namespace bench
