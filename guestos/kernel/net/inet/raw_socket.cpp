// SPDX-License-Identifier: MIT
#include <asm/socket.h>
#include <cstring>
#include <kernel/lazy.hpp>
#include <kernel/net/checksum.hpp>
#include <kernel/net/inet/ports.hpp>
#include <kernel/net/inet/raw_socket.hpp>
#include <kernel/net/routes.hpp>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

namespace kernel::net {
namespace {
constexpr int sol_raw = 255, sol_icmpv6 = 58, sol_ipv6 = 41;
constexpr std::uint32_t most_packet = 65535;
constexpr int option_icmp_filter = 1, option_icmp6_filter = 1, option_ipv6_checksum = 7;

constinit Lazy<RawSocketList> all_raw;

bool is_icmp(int protocol) { return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6; }
}  // namespace

RawSocketList &raw_sockets() { return *all_raw; }

RawSocket::RawSocket(int family_, int type_, int protocol_, unsigned open_flags, Ref<SendCredit> credit, raw_pcb &pcb)
    : DatagramSocket{family_, type_, protocol_, open_flags, std::move(credit)}, pcb_{&pcb}
{
    ip_.header_included = protocol_ == IPPROTO_RAW;
    if (protocol_ == IPPROTO_ICMPV6) {
        pcb_->chksum_reqd = 1;
        pcb_->chksum_offset = 2;
    }
    raw_recv(pcb_, on_packet, this);
    raw_sockets().push_back(*this);
    options_changed();
}

RawSocket::~RawSocket()
{
    Guard guard;
    raw_sockets().erase(raw_sockets().iterator_to(*this));
    raw_remove(pcb_);
}

void RawSocket::options_changed()
{
    pcb_->tos = ip_options().tos;
    pcb_->ttl = ip_options().ttl;
    pcb_->mcast_ttl = ip_options().multicast_ttl;
    pcb_->mcast_ifindex = static_cast<u8_t>(ip_options().multicast_interface);
    pcb_->netif_idx = static_cast<u8_t>(bound_index());
    ip_set_option(pcb_, SOF_BROADCAST);
    if (ip_options().header_included)
        raw_set_flags(pcb_, RAW_FLAGS_HDRINCL);
    else
        raw_clear_flags(pcb_, RAW_FLAGS_HDRINCL);
}

bool RawSocket::filtered(std::uint8_t icmp_type) const
{
    if (family == abi_af_inet6)
        return icmp6_filter_[icmp_type >> 5] >> (icmp_type & 31) & 1;
    return icmp_type < 32 && (icmp_filter_ >> icmp_type & 1);
}

// The packet stays lwIP's, which goes on to change it: what is kept is a copy.
u8_t RawSocket::on_packet(void *self, raw_pcb *, pbuf *p, ip_addr_t const *from)
{
    static_cast<RawSocket *>(self)->take(p, *from);
    return 0;
}

void RawSocket::take(pbuf *p, ip_addr_t const &from)
{
    if (bound_index() && ip_current_input_netif() && netif_get_index(ip_current_input_netif()) != bound_index())
        return;
    std::uint16_t const header = ip_current_header_tot_len();
    if (p->tot_len < header)
        return;
    if (is_icmp(protocol)) {
        std::uint8_t icmp[8] = {};
        if (pbuf_copy_partial(p, icmp, sizeof icmp, header) != sizeof icmp || filtered(icmp[0]))
            return;
        std::uint8_t reply = family == abi_af_inet ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
        if (is_ping() && (icmp[0] != reply || (icmp[4] << 8 | icmp[5]) != identifier_))
            return;
    }
    std::uint16_t skip = family == abi_af_inet && !is_ping() ? std::uint16_t{0} : header;
    auto copy = allocate_packet(PBUF_RAW, static_cast<std::uint32_t>(p->tot_len - skip));
    if (!copy)
        return;
    pbuf_copy_partial(p, copy->payload, copy->tot_len, skip);
    arrived(std::move(copy), {from, 0});
}

Result<> RawSocket::choose_identifier(std::uint16_t wanted)
{
    auto is_free = [this](std::uint16_t id) {
        for (auto &other : raw_sockets())
            if (&other != this && other.is_ping() && other.protocol == protocol && other.identifier_ == id)
                return false;
        return true;
    };
    if (wanted && !is_free(wanted))
        return Error::addrinuse;
    identifier_ = wanted ? wanted : TRY(choose_port(is_free));
    return {};
}

Result<> RawSocket::bind(SocketAddress const &a)
{
    auto e = TRY(endpoint_of(a, family));
    Guard guard;
    TRY(complete_scope(e));
    TRY(check_local(e));
    if (is_ping())
        TRY(choose_identifier(e.port));
    ip_addr_set_ipaddr(&pcb_->local_ip, &e.ip);
    return {};
}

Result<> RawSocket::connect(SocketAddress const &a)
{
    Guard guard;
    if (a.bytes >= sizeof(std::uint16_t) && a.family() == abi_af_unspec) {
        raw_disconnect(pcb_);
        pcb_->netif_idx = static_cast<u8_t>(bound_index());
        return {};
    }
    auto to = TRY(endpoint_of(a, family));
    TRY(complete_scope(to));
    Way way;
    if (!find_way(to.ip, bound_device(), way))
        return Error::netunreach;
    ip_addr_copy(pcb_->remote_ip, to.ip);
    if (ip_addr_isany_val(pcb_->local_ip))
        ip_addr_copy(pcb_->local_ip, way.source);
    raw_set_flags(pcb_, RAW_FLAGS_CONNECTED);
    return {};
}

Result<> RawSocket::name(SocketAddress &out, bool of_peer)
{
    Guard guard;
    if (of_peer && !is_connected())
        return Error::notconn;
    Endpoint e{of_peer ? pcb_->remote_ip : pcb_->local_ip,
               is_ping() ? identifier_ : static_cast<std::uint16_t>(protocol)};
    out = to_address(e, family);
    return {};
}

// What a program may leave out of an IPv4 header of its own, raw(7).
Result<> RawSocket::complete_header(pbuf &p, Endpoint &to, ip_addr_t const &source)
{
    if (family != abi_af_inet)
        return {};
    auto h = static_cast<unsigned char *>(p.payload);
    unsigned bytes = p.len >= 20 ? (h[0] & 15) * 4u : 0;
    if (bytes < 20 || bytes > p.len)
        return Error::inval;
    std::uint16_t total = swap16(p.tot_len), none = 0;
    std::memcpy(h + 2, &total, 2);
    if (!h[4] && !h[5]) {
        auto id = static_cast<std::uint16_t>(random_u32());
        std::memcpy(h + 4, &id, 2);
    }
    std::uint32_t from;
    std::memcpy(&from, h + 12, 4);
    if (!from)
        std::memcpy(h + 12, &ip_2_ip4(&source)->addr, 4);
    std::memcpy(h + 10, &none, 2);
    auto sum = static_cast<std::uint16_t>(~sum_bytes(h, bytes));
    std::memcpy(h + 10, &sum, 2);
    (void)to;
    return {};
}

Result<> RawSocket::prepare_echo(pbuf &p)
{
    auto h = static_cast<unsigned char *>(p.payload);
    bool v6 = family == abi_af_inet6;
    if (p.len < 8 || h[0] != (v6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO) || h[1] != 0)
        return Error::inval;
    if (!identifier_)
        TRY(choose_identifier(0));
    h[4] = static_cast<unsigned char>(identifier_ >> 8);
    h[5] = static_cast<unsigned char>(identifier_);
    h[2] = h[3] = 0;
    if (!v6) {
        auto sum = static_cast<std::uint16_t>(~sum_of(&p, 0, p.tot_len));
        std::memcpy(h + 2, &sum, 2);
    }
    return {};
}

Result<> RawSocket::send_packet(Packet p, Endpoint to, Control const &c)
{
    Guard guard;
    TRY(complete_scope(to));
    if (is_ping())
        TRY(prepare_echo(*p.get()));
    Way way;
    auto through = c.device ? c.device : bound_device();
    if (!through && ip_addr_ismulticast(&to.ip))
        through = find_device(ip_options().multicast_interface);
    if (!find_way(to.ip, through, way))
        return Error::netunreach;
    auto source = c.has_source ? &c.source.ip : ip_addr_isany_val(pcb_->local_ip) ? &way.source : &pcb_->local_ip;
    if (ip_options().header_included)
        TRY(complete_header(*p.get(), to, *source));
    else if (pcb_->chksum_reqd && p->len < pcb_->chksum_offset + 2)
        return Error::inval;
    if (pcb_->chksum_reqd)
        std::memset(static_cast<char *>(p->payload) + pcb_->chksum_offset, 0, 2);
    auto const ttl = pcb_->ttl;
    auto const tos = pcb_->tos;
    if (c.ttl > 0)
        pcb_->ttl = static_cast<u8_t>(c.ttl);
    if (c.tos >= 0)
        pcb_->tos = static_cast<u8_t>(c.tos);
    auto e = raw_sendto_if_src(pcb_, p.get(), &to.ip, &way.device->netif, source);
    pcb_->ttl = ttl;
    pcb_->tos = tos;
    return e == ERR_OK ? Result<>{} : Result<>{error_of(e)};
}

Result<std::size_t> RawSocket::send(SendRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    auto n = r.data.left();
    if (n > most_packet - (ip_options().header_included ? 0u : 20u))
        return Error::msgsize;
    auto control = TRY(read_control(r.control));
    Endpoint to{pcb_->remote_ip, 0};
    if (r.to)
        to = TRY(endpoint_of(*r.to, family));
    else if (!is_connected())
        return Error::destaddrreq;
    if (to.is_v6() != (family == abi_af_inet6))
        return Error::inval;
    if (auto e = take_error(); e != Error::none)
        return e;
    auto p = TRY(copy_in(r.data, static_cast<std::uint32_t>(n), r.flags));
    TRY(send_packet(std::move(p), to, control));
    return n;
}

Result<> RawSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level == sol_raw && family == abi_af_inet && option == option_icmp_filter && protocol == IPPROTO_ICMP) {
        if (value.size() < sizeof icmp_filter_)
            return Error::inval;
        std::memcpy(&icmp_filter_, value.data(), sizeof icmp_filter_);
        return {};
    }
    if (level == sol_icmpv6 && option == option_icmp6_filter && protocol == IPPROTO_ICMPV6) {
        std::memcpy(icmp6_filter_, value.data(),
                    value.size() < sizeof icmp6_filter_ ? value.size() : sizeof icmp6_filter_);
        return {};
    }
    if ((level == sol_raw || level == sol_ipv6) && family == abi_af_inet6 && option == option_ipv6_checksum) {
        auto offset = TRY(option_number(value));
        if (protocol == IPPROTO_ICMPV6)
            return offset == 2 ? Result<>{} : Result<>{Error::inval};
        if (offset > 0 && (offset & 1))
            return Error::inval;
        pcb_->chksum_reqd = offset >= 0;
        pcb_->chksum_offset = static_cast<u16_t>(offset < 0 ? 0 : offset);
        return {};
    }
    return DatagramSocket::set_own_option(level, option, value);
}

Result<std::uint32_t> RawSocket::own_option(int level, int option, std::span<char> out)
{
    if (level == sol_raw && family == abi_af_inet && option == option_icmp_filter && protocol == IPPROTO_ICMP)
        return give_option(out, icmp_filter_);
    if (level == sol_icmpv6 && option == option_icmp6_filter && protocol == IPPROTO_ICMPV6)
        return give_option(out, icmp6_filter_);
    if ((level == sol_raw || level == sol_ipv6) && family == abi_af_inet6 && option == option_ipv6_checksum)
        return give_option(out, std::int32_t{pcb_->chksum_reqd ? pcb_->chksum_offset : -1});
    return DatagramSocket::own_option(level, option, out);
}
}  // namespace kernel::net
