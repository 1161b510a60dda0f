// SPDX-License-Identifier: MIT
// The network without a machine: time stands still until a test moves it, chance is a sequence that a seed decides, and a wire is
// two queues.
#pragma once
#include <deque>
#include <kernel/net/device.hpp>
#include <kernel/net/inet/tcp_socket.hpp>
#include <kernel/net/inet/udp_socket.hpp>
#include <kernel/net/lock.hpp>
#include <string>
#include <vector>

namespace world {
using kernel::Ref;
using kernel::net::NetDevice;
using kernel::net::Packet;
using Bytes = std::vector<unsigned char>;

void begin(unsigned seed = 1);  // lwIP and loopback, once for the process; time and chance afresh
extern std::uint64_t now_ns;
void pass(std::uint64_t ms);  // in steps of 10 ms, with lwIP's timers
void jump(std::uint64_t ms);  // the machine did not run: one late turn of the timers afterwards
std::uint32_t chance(std::uint32_t below);
std::uint32_t frames_in_use();

// An interface whose driver keeps what it is given.
class Wire final : public NetDevice {
public:
    explicit Wire(char const *name, std::uint8_t mac_tail);
    char const *driver_name() const override { return "wire"; }
    bool transmit(Packet &p) override;
    std::deque<Bytes> sent;
    bool full = false;
};
Ref<Wire> plug(char const *name, std::uint8_t mac_tail, char const *address = nullptr, unsigned bits = 24);
void unplug(Ref<Wire> &);
Packet packet_of(Bytes const &, std::size_t piece = 65535);  // in pieces of that size
Bytes bytes_of(pbuf const *);
void arrive(Wire &, Bytes const &);

// Frames, made by hand.
struct Side {
    std::uint8_t mac[6];
    std::uint32_t ip;  // host order
    std::uint16_t port;
};
Bytes udp_frame(Side const &from, Side const &to, std::string const &data);
struct TcpFields {
    std::uint32_t sequence, acknowledgment;
    std::uint8_t flags;
    std::uint16_t window = 65535;
};
Bytes tcp_frame(Side const &from, Side const &to, TcpFields const &, Bytes const &data);
Bytes arp_reply(Side const &from, Side const &to);
void complete_checksums(Bytes &);  // of IPv4 and TCP or UDP, in place

kernel::SocketAddress address(char const *ip, std::uint16_t port);
}  // namespace world
