// SPDX-License-Identifier: MIT
// ICMP messages about what was sent from here: to the socket that sent it. lwIP answers echoes itself and hands every message to
// raw PCBs; two of our own listen here.
#include <algorithm>
#include <cstring>
#include <kernel/net/inet/raw_socket.hpp>
#include <kernel/net/inet/tcp_connection.hpp>
#include <kernel/net/inet/udp_socket.hpp>
#include <kernel/net/parts.hpp>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

namespace kernel::net {
namespace {
// What icmp(7)'s messages mean to a program.
Error error_of_icmp4(std::uint8_t type, std::uint8_t code)
{
    if (type == ICMP_TIME_EXCEEDED)
        return Error::hostunreach;
    if (type == ICMP_PARAMETERPROB)
        return Error::proto;
    switch (code) {
    case ICMP_NET_UNREACH:
    case ICMP_NET_UNKNOWN:
    case ICMP_NET_ANO: return Error::netunreach;
    case ICMP_PROT_UNREACH: return Error::noprotoopt;
    case ICMP_PORT_UNREACH: return Error::connrefused;
    case ICMP_FRAG_NEEDED: return Error::msgsize;
    case ICMP_SR_FAILED: return Error::opnotsupp;
    default: return Error::hostunreach;
    }
}

Error error_of_icmp6(std::uint8_t type, std::uint8_t code)
{
    if (type == ICMPV6_PKT_TOOBIG)
        return Error::msgsize;
    if (type == ICMPV6_TIME_EXCEED)
        return Error::hostunreach;
    if (type == ICMPV6_PARAMPROB)
        return Error::proto;
    switch (code) {
    case ICMPV6_NOROUTE: return Error::netunreach;
    case ICMPV6_ADM_PROHIBITED: return Error::acces;
    case ICMPV6_PORT_UNREACH: return Error::connrefused;
    default: return Error::hostunreach;
    }
}

// The packet that the message is about: its first bytes.
struct Quoted {
    ip_addr_t source{}, destination{};
    std::uint8_t protocol = 0;
    std::uint16_t ports[2] = {};
    std::uint16_t payload = 0;  // offset in the message's packet
};

bool read_quoted(pbuf const *p, std::uint16_t at, bool v6, Quoted &q)
{
    unsigned char h[40];
    std::uint16_t header = 40;
    if (pbuf_copy_partial(p, h, v6 ? 40 : 20, at) != (v6 ? 40 : 20) || h[0] >> 4 != (v6 ? 6 : 4))
        return false;
    if (v6) {
        q.protocol = h[6];
        std::uint32_t w[8];
        std::memcpy(w, h + 8, sizeof w);
        IP_ADDR6(&q.source, w[0], w[1], w[2], w[3]);
        IP_ADDR6(&q.destination, w[4], w[5], w[6], w[7]);
    } else {
        q.protocol = h[9];
        header = static_cast<std::uint16_t>((h[0] & 15) * 4);
        std::uint32_t w[2];
        std::memcpy(w, h + 12, sizeof w);
        ip_addr_set_ip4_u32_val(q.source, w[0]);
        ip_addr_set_ip4_u32_val(q.destination, w[1]);
    }
    q.payload = static_cast<std::uint16_t>(at + header);
    std::uint16_t ports[2];
    if (pbuf_copy_partial(p, ports, sizeof ports, q.payload) == sizeof ports) {
        q.ports[0] = swap16(ports[0]);
        q.ports[1] = swap16(ports[1]);
    }
    return true;
}

void tell_udp(Quoted const &q, IcmpError const &e)
{
    for (auto pcb = udp_pcbs; pcb; pcb = pcb->next) {
        if (pcb->local_port != q.ports[0])
            continue;
        bool connected = (pcb->flags & UDP_FLAGS_CONNECTED) != 0;
        if (connected && (pcb->remote_port != q.ports[1] || !ip_addr_cmp_zoneless(&pcb->remote_ip, &q.destination)))
            continue;
        if (!ip_addr_isany_val(pcb->local_ip) && !ip_addr_cmp_zoneless(&pcb->local_ip, &q.source))
            continue;
        return static_cast<UdpSocket *>(pcb->recv_arg)->icmp_error(e);
    }
}

void tell_raw(Quoted const &q, IcmpError const &e)
{
    for (auto &s : raw_sockets()) {
        auto &pcb = s.pcb();
        if (pcb.protocol != q.protocol)
            continue;
        if (!(pcb.flags & RAW_FLAGS_CONNECTED) || ip_addr_cmp_zoneless(&pcb.remote_ip, &q.destination))
            s.icmp_error(e);
    }
}

void about(pbuf *p, ip_addr_t const &from, bool v6)
{
    std::uint16_t header = ip_current_header_tot_len();
    std::uint8_t icmp[8];
    Quoted q;
    if (pbuf_copy_partial(p, icmp, sizeof icmp, header) != sizeof icmp
        || !read_quoted(p, static_cast<std::uint16_t>(header + sizeof icmp), v6, q))
        return;
    IcmpError e;
    e.type = icmp[0];
    e.code = icmp[1];
    e.error = v6 ? error_of_icmp6(e.type, e.code) : error_of_icmp4(e.type, e.code);
    if (e.error == Error::msgsize)
        e.info = v6 ? lwip_ntohl(*reinterpret_cast<std::uint32_t *>(icmp + 4)) : icmp[6] << 8u | icmp[7];
    e.reporter = {from, 0};
    e.destination = {q.destination, q.ports[1]};
    std::uint16_t data = static_cast<std::uint16_t>(q.payload + (q.protocol == IPPROTO_UDP ? 8 : 0));
    if (q.protocol == IPPROTO_TCP)
        return tcp_icmp_error(q.source, q.ports[0], q.destination, q.ports[1], e.error);
    e.bytes = pbuf_copy_partial(p, e.data, sizeof e.data, data);
    if (q.protocol == IPPROTO_UDP)
        return tell_udp(q, e);
    e.destination.port = 0;
    tell_raw(q, e);
}

u8_t on_icmp4(void *, raw_pcb *, pbuf *p, ip_addr_t const *from)
{
    std::uint8_t type = 0;
    pbuf_copy_partial(p, &type, 1, ip_current_header_tot_len());
    if (type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB)
        about(p, *from, false);
    return 0;
}

u8_t on_icmp6(void *, raw_pcb *, pbuf *p, ip_addr_t const *from)
{
    std::uint8_t type = 0;
    pbuf_copy_partial(p, &type, 1, ip_current_header_tot_len());
    if (type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB)
        about(p, *from, true);
    return 0;
}
}  // namespace

void start_icmp_errors()
{
    auto v4 = raw_new_ip_type(IPADDR_TYPE_V4, IPPROTO_ICMP), v6 = raw_new_ip_type(IPADDR_TYPE_V6, IPPROTO_ICMPV6);
    ASSERT(v4 && v6);
    raw_recv(v4, on_icmp4, nullptr);
    raw_recv(v6, on_icmp6, nullptr);
}
}  // namespace kernel::net
