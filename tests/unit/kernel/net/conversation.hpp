// SPDX-License-Identifier: MIT
// The other end of a TCP connection, played by the test: it sees every segment and says what it likes.
#pragma once
#include "world.hpp"
#include <optional>

namespace world {
struct Segment {
    std::uint16_t from_port, to_port;
    std::uint32_t sequence, acknowledgment;
    std::uint8_t flags;
    std::uint32_t bytes;  // of data
    Bytes frame;
};
std::optional<Segment> segment_in(Bytes const &frame);
inline constexpr std::uint8_t flag_fin = 1, flag_syn = 2, flag_rst = 4, flag_psh = 8, flag_ack = 16;

// 10.0.0.2, a host on the wire, and 10.0.0.1, which is us.
class Peer {
public:
    explicit Peer(Wire &wire, std::uint16_t port) : wire_{wire}
    {
        peer.port = port;
        arrive(wire_, arp_reply(peer, us));
    }
    Side us{{2, 0, 0, 0, 0, 0x41}, 0x0a000001, 0}, peer{{2, 0, 0, 0, 0, 0x42}, 0x0a000002, 0};
    std::uint32_t next_sequence = 1000, expected = 0;
    // What the interface has sent to this peer since the last call.
    std::vector<Segment> heard();
    void say(std::uint8_t flags, Bytes const &data = {}, std::int32_t shift = 0);  // shift: of the sequence number
    void acknowledge(std::uint32_t up_to)
    {
        expected = up_to;
        say(flag_ack);
    }
    // Connects to a listening port of ours; false: no.
    bool connect(std::uint16_t to);

private:
    Wire &wire_;
};

kernel::Ref<kernel::net::TcpSocket> tcp_socket();  // non-blocking
kernel::Ref<kernel::net::TcpSocket> listening(std::uint16_t port);
kernel::Ref<kernel::Socket> accepted(kernel::net::TcpSocket &);  // null: nobody waits
std::size_t send(kernel::Socket &, Bytes const &);
Bytes receive(kernel::Socket &, std::size_t most = 65536);
}  // namespace world
