// SPDX-License-Identifier: MIT
// The machine's network: QEMU's user network, closed (restrict=on) but for the ports that are forwarded from
// loopback, unless it is asked to be open.
#include "lodger.hpp"
#include <arpa/inet.h>
#include <charconv>
#include <sys/socket.h>
#include <unistd.h>

namespace lodger {
namespace {
struct Forward {
    unsigned host, guest;
    bool udp;
};

unsigned port_of(std::string_view text, std::string const &whole)
{
    unsigned port = 0;
    auto end = text.data() + text.size();
    auto read = std::from_chars(text.data(), end, port);
    if (read.ec != std::errc{} || read.ptr != end || port == 0 || port > 65535)
        throw Failure{"--forward " + whole + ": give two port numbers from 1 to 65535, HOSTPORT:GUESTPORT"};
    return port;
}

Forward parse(std::string const &text)
{
    auto colon = text.find(':');
    if (colon == std::string::npos)
        throw Failure{"--forward " + text + ": give two port numbers, HOSTPORT:GUESTPORT or HOSTPORT:GUESTPORT/udp"};
    std::string_view view{text};
    bool udp = view.ends_with("/udp");
    if (udp)
        view.remove_suffix(4);
    return {port_of(view.substr(0, colon), text), port_of(view.substr(colon + 1), text), udp};
}

// QEMU would say so too, but not in one sentence.
void check_free(Forward const &f)
{
    int fd = socket(AF_INET, (f.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(f.host));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    if (!f.udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool taken = bind(fd, reinterpret_cast<sockaddr *>(&a), sizeof a) != 0;
    close(fd);
    if (taken)
        throw Failure{"--forward: port " + std::to_string(f.host)
                      + " of 127.0.0.1 cannot be used here; choose another HOSTPORT"};
}
}  // namespace

void prepare_network(Options &o)
{
    o.network |= o.open_network || !o.forwards.empty();
    if (!o.network)
        return;
    if (o.emulator == Emulator::bochs)
        throw Failure{"--emulator bochs has no network; leave --net, --net-open and --forward out"};
    for (auto const &f : o.forwards)
        if (auto forward = parse(f); forward.udp && !o.open_network)
            throw Failure{"--forward " + f + ": answers over UDP do not leave QEMU's closed network; add --net-open"};
        else
            check_free(forward);
    o.kernel_arguments = "LODGER_NET=dhcp" + (o.kernel_arguments.empty() ? std::string{} : " " + o.kernel_arguments);
}

std::vector<unsigned> forwarded_ports(Options const &o)
{
    std::vector<unsigned> ports;
    for (auto const &text : o.forwards)
        if (auto f = parse(text); !f.udp)
            ports.push_back(f.host);
    return ports;
}

std::vector<std::string> network_arguments(Options const &o)
{
    if (!o.network)
        return {};
    std::string user = o.open_network ? "user,id=net0" : "user,id=net0,restrict=on";
    for (auto const &text : o.forwards) {
        auto f = parse(text);
        user += std::string{",hostfwd="} + (f.udp ? "udp" : "tcp") + ":127.0.0.1:" + std::to_string(f.host)
            + "-:" + std::to_string(f.guest);
    }
    return {"-netdev", user, "-device", "virtio-net-pci,netdev=net0,disable-legacy=on,romfile="};
}
}  // namespace lodger
