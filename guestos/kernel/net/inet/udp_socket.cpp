// SPDX-License-Identifier: MIT
#include <algorithm>
#include <asm/socket.h>
#include <kernel/net/inet/ports.hpp>
#include <kernel/net/inet/udp_socket.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/routes.hpp>
#include <linux/udp.h>

namespace kernel::net {
namespace {
constexpr std::uint32_t most_datagram = 65507, ip_and_udp = 28, ip6_and_udp = 48;
constexpr int sol_udp = 17;
}  // namespace

UdpSocket::UdpSocket(int family_, unsigned open_flags, Ref<SendCredit> credit, udp_pcb &pcb)
    : DatagramSocket{family_, abi_sock_dgram, IPPROTO_UDP, open_flags, std::move(credit)}, pcb_{&pcb}
{
    udp_recv(pcb_, on_datagram, this);
    options_changed();
}

UdpSocket::~UdpSocket()
{
    Guard guard;
    udp_remove(pcb_);
}

void UdpSocket::on_datagram(void *self, udp_pcb *, pbuf *p, ip_addr_t const *from, u16_t port)
{
    static_cast<UdpSocket *>(self)->arrived(Packet{p}, {*from, port});
}

void UdpSocket::options_changed()
{
    pcb_->tos = ip_options().tos;
    pcb_->ttl = ip_options().ttl;
    pcb_->mcast_ttl = ip_options().multicast_ttl;
    pcb_->mcast_ifindex = static_cast<u8_t>(ip_options().multicast_interface);
    pcb_->netif_idx = static_cast<u8_t>(bound_index());
    udp_set_flags(pcb_, ip_options().multicast_loop ? UDP_FLAGS_MULTICAST_LOOP : 0);
    if (!ip_options().multicast_loop)
        udp_clear_flags(pcb_, UDP_FLAGS_MULTICAST_LOOP);
    ip_set_option(pcb_, SOF_BROADCAST);  // asked for by ourselves
    if (options.plain[SO_REUSEADDR] || options.plain[SO_REUSEPORT])
        ip_set_option(pcb_, SOF_REUSEADDR);
    else
        ip_reset_option(pcb_, SOF_REUSEADDR);
    if (pcb_->local_port == 0)
        IP_SET_TYPE_VAL(pcb_->local_ip, address_type());
}

Result<> UdpSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level == sol_udp) {
        auto n = TRY(option_number(value));
        switch (option) {
        case UDP_CORK: {
            corked_ = n != 0;
            auto nothing = IoBuffer::kernel(nullptr, 0);
            SendRequest r{nothing};
            return corked_ || !cork_ ? Result<>{} : Result<>{send_corked(r, false).error()};
        }
        case UDP_NO_CHECK6_TX:
        case UDP_NO_CHECK6_RX: return {};
        default: return Error::noprotoopt;
        }
    }
    if (level == SOL_SOCKET && (option == SO_REUSEADDR || option == SO_REUSEPORT)) {
        options.plain[option] = TRY(option_number(value)) != 0;
        Guard guard;
        options_changed();
        return {};
    }
    return DatagramSocket::set_own_option(level, option, value);
}

Result<std::uint32_t> UdpSocket::own_option(int level, int option, std::span<char> out)
{
    if (level != sol_udp)
        return DatagramSocket::own_option(level, option, out);
    return option == UDP_CORK ? Result<std::uint32_t>{give_option(out, std::int32_t{corked_})}
                              : Result<std::uint32_t>{Error::noprotoopt};
}

bool UdpSocket::conflicts(Endpoint const &e) const
{
    for (auto other = udp_pcbs; other; other = other->next) {
        if (other == pcb_ || other->local_port != e.port || !addresses_overlap(other->local_ip, e.ip)
            || (other->netif_idx && pcb_->netif_idx && other->netif_idx != pcb_->netif_idx))
            continue;
        auto owner = static_cast<UdpSocket const *>(other->recv_arg);
        bool both_address = options.plain[SO_REUSEADDR] && owner->options.plain[SO_REUSEADDR];
        bool both_port = options.plain[SO_REUSEPORT] && owner->options.plain[SO_REUSEPORT]
            && owner_uid() == owner->owner_uid();
        if (!both_address && !both_port)
            return true;
    }
    return false;
}

Result<> UdpSocket::bind_port(Endpoint const &wanted)
{
    Endpoint e = wanted;
    if (e.port == 0) {
        e.port = TRY(choose_port([this, &e](std::uint16_t port) {
            e.port = port;
            return !conflicts(e);
        }));
    } else if (conflicts(e)) {
        return Error::addrinuse;
    }
    auto options_before = pcb_->so_options;
    ip_set_option(pcb_, SOF_REUSEADDR);
    auto done = udp_bind(pcb_, &e.ip, e.port);
    pcb_->so_options = options_before;
    return done == ERR_OK ? Result<>{} : Result<>{error_of(done)};
}

Result<> UdpSocket::bind(SocketAddress const &a)
{
    auto e = TRY(endpoint_of(a, family));
    TRY(may_use_port(e.port));
    Guard guard;
    if (pcb_->local_port)
        return Error::inval;
    TRY(complete_scope(e));
    TRY(check_local(e));
    bool any = ip_addr_isany_val(e.ip);
    if (any)
        IP_SET_TYPE_VAL(e.ip, address_type());
    TRY(bind_port(e));
    bound_address_ = !any;
    return {};
}

Result<> UdpSocket::connect(SocketAddress const &a)
{
    Guard guard;
    if (a.bytes >= sizeof(std::uint16_t) && a.family() == abi_af_unspec) {
        udp_disconnect(pcb_);
        pcb_->netif_idx = static_cast<u8_t>(bound_index());
        if (!bound_address_) {
            pcb_->local_ip = any_endpoint(family).ip;
            IP_SET_TYPE_VAL(pcb_->local_ip, address_type());
        }
        return {};
    }
    auto to = TRY(endpoint_of(a, family));
    TRY(check_destination(to, {}));
    Way way;
    if (!find_way(to.ip, bound_device(), way))
        return Error::netunreach;
    if (ip_addr_isany_val(pcb_->local_ip) && pcb_->local_port == 0) {
        Endpoint from{way.source, 0};
        TRY(bind_port(from));
    } else if (ip_addr_isany_val(pcb_->local_ip)) {
        ip_addr_copy(pcb_->local_ip, way.source);
    }
    udp_disconnect(pcb_);
    pcb_->netif_idx = static_cast<u8_t>(bound_index());
    ip_addr_copy(pcb_->remote_ip, to.ip);
    pcb_->remote_port = to.port;
    udp_set_flags(pcb_, UDP_FLAGS_CONNECTED);
    return {};
}

Result<> UdpSocket::name(SocketAddress &out, bool of_peer)
{
    Guard guard;
    if (of_peer && !is_connected())
        return Error::notconn;
    out = of_peer ? to_address({pcb_->remote_ip, pcb_->remote_port}, family)
                  : to_address({pcb_->local_ip, pcb_->local_port}, family);
    return {};
}

Result<> UdpSocket::check_destination(Endpoint &to, Control const &) const
{
    if (ip_addr_isany_val(to.ip)) {  // this machine
        if (to.is_v6())
            IP_ADDR6(&to.ip, 0, 0, 0, PP_HTONL(1));
        else
            ip_addr_set_ip4_u32_val(to.ip, PP_HTONL(0x7f00'0001));
    }
    if (to.is_v6() && family == abi_af_inet)
        return Error::afnosupport;
    if (!to.is_v6() && family == abi_af_inet6 && ip_options().v6_only)
        return Error::netunreach;
    TRY(complete_scope(to));
    if (to.is_v6() || options.plain[SO_BROADCAST])
        return {};
    auto a = *ip_2_ip4(&to.ip);
    if (a.addr == IPADDR_BROADCAST)
        return Error::acces;
    for (auto &d : devices())
        if (auto own = address_of(d);
            own.is_set() && !d.is_loopback() && own.prefix_bits() < 31 && own.broadcast.addr == a.addr)
            return Error::acces;
    return {};
}

Result<> UdpSocket::send_packet(Packet p, Endpoint const &to, Control const &c)
{
    Guard guard;
    auto through = c.device ? c.device : bound_device();
    if (!through && ip_addr_ismulticast(&to.ip))
        through = find_device(ip_options().multicast_interface);
    Way way;
    if (!find_way(to.ip, through, way))
        return Error::netunreach;
    if (pcb_->local_port == 0) {
        auto e = any_endpoint(family);
        IP_SET_TYPE_VAL(e.ip, address_type());
        TRY(bind_port(e));
    }
    ip_addr_t const *source = &way.source;
    if (c.has_source)
        source = &c.source.ip;
    else if (!ip_addr_isany_val(pcb_->local_ip) && !ip_addr_ismulticast(&pcb_->local_ip)
             && IP_IS_V6_VAL(pcb_->local_ip) == to.is_v6())
        source = &pcb_->local_ip;
    auto &n = way.device->netif;
    // In fragments the checksum cannot be left to the interface.
    auto const flags = n.chksum_flags;
    if (p.bytes() + (to.is_v6() ? ip6_and_udp : ip_and_udp) > n.mtu)
        n.chksum_flags |= NETIF_CHECKSUM_GEN_UDP;
    auto const ttl = pcb_->ttl;
    auto const tos = pcb_->tos;
    if (c.ttl > 0)
        pcb_->ttl = static_cast<u8_t>(c.ttl);
    if (c.tos >= 0)
        pcb_->tos = static_cast<u8_t>(c.tos);
    auto e = udp_sendto_if_src(pcb_, p.get(), &to.ip, to.port, &n, source);
    pcb_->ttl = ttl;
    pcb_->tos = tos;
    n.chksum_flags = flags;
    return e == ERR_OK ? Result<>{} : Result<>{error_of(e)};
}

Result<std::size_t> UdpSocket::send(SendRequest &r)
{
    if (r.flags & abi_msg_oob)
        return Error::opnotsupp;
    auto n = r.data.left();
    if (n > most_datagram)
        return Error::msgsize;
    if (cork_ || corked_ || (r.flags & abi_msg_more))
        return send_corked(r, corked_ || (r.flags & abi_msg_more));
    auto control = TRY(read_control(r.control));
    Endpoint to{pcb_->remote_ip, pcb_->remote_port};
    if (r.to)
        to = TRY(endpoint_of(*r.to, family));
    else if (!is_connected())
        return Error::destaddrreq;
    if (to.port == 0)
        return Error::inval;
    if (auto e = take_error(); e != Error::none)
        return e;
    TRY(check_destination(to, control));
    auto p = TRY(copy_in(r.data, static_cast<std::uint32_t>(n), r.flags));
    TRY(send_packet(std::move(p), to, control));
    return n;
}

// Several writes make one datagram; the last one, or uncorking, sends it.
Result<std::size_t> UdpSocket::send_corked(SendRequest &r, bool more)
{
    MutexGuard guard{sending_};
    auto n = r.data.left();
    if ((cork_ ? cork_.bytes() : 0u) + n > most_datagram)
        return Error::msgsize;
    Endpoint to{pcb_->remote_ip, pcb_->remote_port};
    if (r.to)
        to = TRY(endpoint_of(*r.to, family));
    else if (!is_connected())
        return Error::destaddrreq;
    TRY(check_destination(to, {}));
    auto p = TRY(copy_in(r.data, static_cast<std::uint32_t>(n), r.flags));
    {
        Guard lock;
        if (cork_)
            pbuf_cat(cork_.get(), p.release());
        else
            cork_ = std::move(p);
    }
    if (!more)
        TRY(send_packet(std::move(cork_), to, {}));
    return n;
}
}  // namespace kernel::net
