// SPDX-License-Identifier: MIT
// What reaches lwIP. It checks most lengths, but not before it has looked at the version of an IPv6 header, at an ARP message, or at
// the options of router advertisements, for which it trusts the option's type. So
//
//   TCP and UDP, whole:   their headers are there, in one piece that nobody else holds (lwIP writes into them)
//   everything else:      is copied, with zeroes behind it that are longer than any structure lwIP lays over an option
#include <cstring>
#include <kernel/net/admit.hpp>

namespace kernel::net {
namespace {
constexpr std::uint32_t room_behind = 64;  // the longest option has 40 bytes: a redirected packet's IPv6 header
constexpr std::uint16_t type_arp = 0x0806, type_ipv4 = 0x0800, type_ipv6 = 0x86dd;
constexpr std::uint32_t arp_bytes = 28, ipv4_bytes = 20, ipv6_bytes = 40;

Packet copied(Packet const &p)
{
    auto copy = allocate_packet(PBUF_RAW, p.bytes() + room_behind);
    if (!copy)
        return {};
    auto start = static_cast<char *>(copy->payload);
    pbuf_copy_partial(p.get(), start, p.bytes(), 0);
    std::memset(start + p.bytes(), 0, room_behind);
    copy->len = copy->tot_len = p.bytes();
    copy->checksum_state = p->checksum_state;
    copy->if_idx = p->if_idx;
    return copy;
}

// What a frame of this type has at least; no_frame: nothing that lwIP knows.
constexpr std::uint32_t no_frame = ~0u;
std::uint32_t least_bytes(std::uint16_t type)
{
    switch (type) {
    case type_arp: return arp_bytes;
    case type_ipv4: return ipv4_bytes;
    case type_ipv6: return ipv6_bytes;
    default: return no_frame;
    }
}
}  // namespace

Packet admitted(Packet p, bool has_link_header)
{
    unsigned char start[most_header_bytes];
    auto const n = pbuf_copy_partial(p.get(), start, sizeof start, 0);
    Headers h;
    h.network = has_link_header ? ethernet_header_bytes : 0;
    if (n <= h.network)
        return {};
    if (has_link_header)
        h.type = static_cast<std::uint16_t>(start[12] << 8 | start[13]);
    else
        h.type = start[0] >> 4 == 6 ? type_ipv6 : type_ipv4;
    auto const least = least_bytes(h.type);
    if (least == no_frame || p.bytes() < h.network + least)
        return {};
    bool whole = h.type != type_arp && parse_ip_headers(start, n, h) && (h.is_tcp() || h.is_udp());
    if (!whole)
        return p.bytes() + room_behind <= most_frame_bytes ? copied(p) : Packet{};
    if (p->ref > 1 || p->len < h.payload)
        return with_own_headers(std::move(p), most_header_bytes);
    return p;
}
}  // namespace kernel::net
