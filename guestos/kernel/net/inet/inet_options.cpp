// SPDX-License-Identifier: MIT
// setsockopt(2) and getsockopt(2) of SOL_IP and SOL_IPV6, and SO_BINDTODEVICE.
#include <asm/socket.h>
#include <cstring>
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/routes.hpp>

namespace kernel::net {
namespace {
constexpr int sol_ip = 0, sol_ipv6 = 41;

bool kept4(int option)  // taken, given back, and without further meaning here
{
    switch (option) {
    case IP_MTU_DISCOVER:
    case IP_FREEBIND:
    case IP_TRANSPARENT:
    case IP_RETOPTS:
    case IP_MINTTL:
    case IP_BIND_ADDRESS_NO_PORT:
    case IP_MULTICAST_ALL:
    case IP_CHECKSUM:
    case IP_RECVFRAGSIZE:
    case IP_RECVORIGDSTADDR:
    case IP_ROUTER_ALERT: return true;
    default: return false;
    }
}

bool kept6(int option)
{
    switch (option) {
    case IPV6_MTU_DISCOVER:
    case IPV6_AUTOFLOWLABEL:
    case IPV6_FLOWINFO_SEND:
    case IPV6_DONTFRAG:
    case IPV6_RECVPATHMTU:
    case IPV6_FREEBIND:
    case IPV6_ADDR_PREFERENCES:
    case IPV6_MULTICAST_ALL: return true;
    default: return false;
    }
}

Result<std::uint8_t> byte_option(std::int32_t n, std::uint8_t if_default)
{
    if (n == -1)
        return if_default;
    if (n < 0 || n > 255)
        return Error::inval;
    return static_cast<std::uint8_t>(n);
}
}  // namespace

Result<std::int32_t> option_number(std::span<char const> value)
{
    std::int32_t n = 0;
    if (value.empty())
        return Error::inval;
    if (value.size() < sizeof n)
        return std::int32_t{static_cast<unsigned char>(value[0])};
    std::memcpy(&n, value.data(), sizeof n);
    return n;
}

Result<> InetSocket::bind_to_device(std::span<char const> value)
{
    char name[NetDevice::name_bytes] = {};
    std::memcpy(name, value.data(), value.size() < sizeof name - 1 ? value.size() : sizeof name - 1);
    Guard guard;
    auto d = name[0] ? find_device(name) : nullptr;
    if (name[0] && !d)
        return Error::nodev;
    bound_index_ = d ? d->index : 0;
    options_changed();
    return {};
}

Result<> InetSocket::set_ip4_option(int option, std::span<char const> value)
{
    switch (option) {
    case IP_ADD_MEMBERSHIP:
    case IP_DROP_MEMBERSHIP: return group_option4(option, value);
    case MCAST_JOIN_GROUP: return group_request(true, value);
    case MCAST_LEAVE_GROUP: return group_request(false, value);
    case IP_OPTIONS: return value.empty() ? Result<>{} : Result<>{Error::opnotsupp};  // none is what there is
    case IP_MULTICAST_IF: {
        ip_mreqn r{};
        if (value.size() < sizeof(in_addr))
            return Error::inval;
        if (value.size() < sizeof(ip_mreq))
            std::memcpy(&r.imr_address, value.data(), sizeof r.imr_address);
        else
            std::memcpy(&r, value.data(), value.size() < sizeof r ? value.size() : sizeof r);
        auto d = r.imr_ifindex ? find_device(static_cast<std::uint32_t>(r.imr_ifindex))
                               : owner_of(ip4_addr_t{r.imr_address.s_addr});
        if (!d && (r.imr_ifindex || r.imr_address.s_addr))
            return r.imr_ifindex ? Error::nodev : Error::addrnotavail;
        ip_.multicast_interface = d ? d->index : 0;
        return {};
    }
    default: break;
    }
    auto n = TRY(option_number(value));
    switch (option) {
    case IP_TOS: ip_.tos = static_cast<std::uint8_t>(n); return {};
    case IP_TTL:
        if (n != -1 && (n < 1 || n > 255))
            return Error::inval;
        ip_.ttl = n == -1 ? std::uint8_t{64} : static_cast<std::uint8_t>(n);
        return {};
    case IP_MULTICAST_TTL: ip_.multicast_ttl = TRY(byte_option(n, 1)); return {};
    case IP_MULTICAST_LOOP: ip_.multicast_loop = n != 0; return {};
    case IP_PKTINFO: ip_.packet_info = n != 0; return {};
    case IP_RECVTTL: ip_.with_ttl = n != 0; return {};
    case IP_RECVTOS: ip_.with_tos = n != 0; return {};
    case IP_RECVERR: ip_.receive_errors = n != 0; return {};
    case IP_HDRINCL:
        if (type != abi_sock_raw)
            return Error::noprotoopt;
        ip_.header_included = n != 0;
        return {};
    default: break;
    }
    if (!kept4(option))
        return Error::noprotoopt;
    ip_.plain[0][option] = n;
    return {};
}

Result<> InetSocket::set_ip6_option(int option, std::span<char const> value)
{
    switch (option) {
    case IPV6_ADD_MEMBERSHIP:
    case IPV6_DROP_MEMBERSHIP: return group_option6(option, value);
    case MCAST_JOIN_GROUP: return group_request(true, value);
    case MCAST_LEAVE_GROUP: return group_request(false, value);
    default: break;
    }
    auto n = TRY(option_number(value));
    switch (option) {
    case IPV6_V6ONLY:
        if (!can_leave_v6_only())
            return Error::inval;
        ip_.v6_only = n != 0;
        return {};
    case IPV6_UNICAST_HOPS: ip_.ttl = TRY(byte_option(n, 64)); return {};
    case IPV6_MULTICAST_HOPS: ip_.multicast_ttl = TRY(byte_option(n, 1)); return {};
    case IPV6_MULTICAST_LOOP: ip_.multicast_loop = n != 0; return {};
    case IPV6_MULTICAST_IF:
        if (n && !find_device(static_cast<std::uint32_t>(n)))
            return Error::nodev;
        ip_.multicast_interface = static_cast<std::uint32_t>(n);
        return {};
    case IPV6_TCLASS: ip_.tos = TRY(byte_option(n, 0)); return {};
    case IPV6_RECVPKTINFO:
    case IPV6_2292PKTINFO: ip_.packet_info6 = n != 0; return {};
    case IPV6_RECVHOPLIMIT:
    case IPV6_2292HOPLIMIT: ip_.hop_limit = n != 0; return {};
    case IPV6_RECVTCLASS: ip_.traffic_class = n != 0; return {};
    case IPV6_RECVERR: ip_.receive_errors6 = n != 0; return {};
    default: break;
    }
    if (!kept6(option))
        return Error::noprotoopt;
    ip_.plain[1][option] = n;
    return {};
}

Result<> InetSocket::set_own_option(int level, int option, std::span<char const> value)
{
    if (level == SOL_SOCKET && option == SO_BINDTODEVICE)
        return bind_to_device(value);
    if (level != sol_ip && !(level == sol_ipv6 && family == abi_af_inet6))
        return Error::noprotoopt;
    TRY(level == sol_ip ? set_ip4_option(option, value) : set_ip6_option(option, value));
    Guard guard;
    options_changed();
    return {};
}

Result<std::uint32_t> InetSocket::own_option(int level, int option, std::span<char> out)
{
    auto number = [out](std::int32_t n) { return give_option(out, n); };
    if (level == SOL_SOCKET && option == SO_BINDTODEVICE) {
        auto d = bound_device();
        if (!d)
            return 0u;
        auto n = static_cast<std::uint32_t>(std::strlen(d->name) + 1);
        if (out.size() < n)
            return Error::inval;
        std::memcpy(out.data(), d->name, n);
        return n;
    }
    if (level == sol_ip) {
        switch (option) {
        case IP_TOS: return number(ip_.tos);
        case IP_TTL: return number(ip_.ttl);
        case IP_MULTICAST_TTL: return number(ip_.multicast_ttl);
        case IP_MULTICAST_LOOP: return number(ip_.multicast_loop);
        case IP_PKTINFO: return number(ip_.packet_info);
        case IP_RECVTTL: return number(ip_.with_ttl);
        case IP_RECVTOS: return number(ip_.with_tos);
        case IP_RECVERR: return number(ip_.receive_errors);
        case IP_HDRINCL:
            return type == abi_sock_raw ? number(ip_.header_included) : Result<std::uint32_t>{Error::noprotoopt};
        case IP_OPTIONS: return 0u;
        case IP_MTU: {
            SocketAddress peer;
            TRY(name(peer, true));
            auto to = TRY(endpoint_of(peer, family));
            Guard guard;
            Way way;
            return find_way(to.ip, bound_device(), way) ? number(way.device->mtu) : Result<std::uint32_t>{Error::notconn};
        }
        default: return kept4(option) ? number(ip_.plain[0][option]) : Result<std::uint32_t>{Error::noprotoopt};
        }
    }
    if (level != sol_ipv6 || family != abi_af_inet6)
        return Error::noprotoopt;
    switch (option) {
    case IPV6_V6ONLY: return number(ip_.v6_only);
    case IPV6_UNICAST_HOPS: return number(ip_.ttl);
    case IPV6_MULTICAST_HOPS: return number(ip_.multicast_ttl);
    case IPV6_MULTICAST_LOOP: return number(ip_.multicast_loop);
    case IPV6_MULTICAST_IF: return number(static_cast<std::int32_t>(ip_.multicast_interface));
    case IPV6_TCLASS: return number(ip_.tos);
    case IPV6_RECVPKTINFO:
    case IPV6_2292PKTINFO: return number(ip_.packet_info6);
    case IPV6_RECVHOPLIMIT:
    case IPV6_2292HOPLIMIT: return number(ip_.hop_limit);
    case IPV6_RECVTCLASS: return number(ip_.traffic_class);
    case IPV6_RECVERR: return number(ip_.receive_errors6);
    default: return kept6(option) ? number(ip_.plain[1][option]) : Result<std::uint32_t>{Error::noprotoopt};
    }
}
}  // namespace kernel::net
