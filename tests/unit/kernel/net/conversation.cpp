// SPDX-License-Identifier: MIT
#include "conversation.hpp"
#include <kernel/net/packet.hpp>

namespace world {
std::optional<Segment> segment_in(Bytes const &f)
{
    kernel::net::Headers h;
    if (!kernel::net::parse_headers(f.data(), static_cast<std::uint32_t>(f.size()), h) || !h.is_tcp() || h.version != 4)
        return {};
    auto get16 = [&](std::size_t at) { return static_cast<std::uint16_t>(f[at] << 8 | f[at + 1]); };
    auto get32 = [&](std::size_t at) { return static_cast<std::uint32_t>(get16(at)) << 16 | get16(at + 2); };
    auto t = h.transport;
    std::uint32_t end = h.network + get16(h.network + 2u);
    return Segment{get16(t), get16(t + 2u), get32(t + 4u), get32(t + 8u), f[t + 13u], end - h.payload, f};
}

std::vector<Segment> Peer::heard()
{
    std::vector<Segment> all;
    for (auto const &f : wire_.sent)
        if (auto s = segment_in(f); s && s->to_port == peer.port)
            all.push_back(*s);
    wire_.sent.clear();
    return all;
}

void Peer::say(std::uint8_t flags, Bytes const &data, std::int32_t shift)
{
    arrive(wire_, tcp_frame(peer, us, {next_sequence + static_cast<std::uint32_t>(shift), expected, flags}, data));
    if (shift == 0)
        next_sequence += static_cast<std::uint32_t>(data.size()) + ((flags & (flag_syn | flag_fin)) ? 1 : 0);
}

bool Peer::connect(std::uint16_t to)
{
    us.port = to;
    (void)heard();
    say(flag_syn);
    for (auto const &s : heard())
        if ((s.flags & (flag_syn | flag_ack)) == (flag_syn | flag_ack)) {
            acknowledge(s.sequence + 1);
            return true;
        }
    return false;
}

namespace {
constexpr unsigned o_nonblock = 04000;
}

Ref<kernel::net::TcpSocket> tcp_socket()
{
    return kernel::make_ref<kernel::net::TcpSocket>(abi_af_inet, o_nonblock,
                                                    kernel::make_ref<kernel::net::TcpConnection>().take())
        .take();
}

Ref<kernel::net::TcpSocket> listening(std::uint16_t port)
{
    auto s = tcp_socket();
    if (!s->bind(address("0.0.0.0", port)).ok() || !s->listen(16).ok())
        panic("port %u is taken", port);
    return s;
}

Ref<kernel::Socket> accepted(kernel::net::TcpSocket &s)
{
    auto c = s.accept(o_nonblock);
    return c.ok() ? c.take() : Ref<kernel::Socket>{};
}

std::size_t send(kernel::Socket &s, Bytes const &b)
{
    auto data = kernel::IoBuffer::kernel(const_cast<unsigned char *>(b.data()), b.size());
    kernel::SendRequest r{data, abi_msg_nosignal};
    return s.send(r).value_or(0);
}

Bytes receive(kernel::Socket &s, std::size_t most)
{
    Bytes b(most);
    auto data = kernel::IoBuffer::kernel(b.data(), b.size());
    kernel::ReceiveRequest r{data, abi_msg_dontwait};
    b.resize(s.receive(r).value_or(0));
    return b;
}
}  // namespace world
