// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/net/inet/address.hpp>

namespace kernel::net {
namespace {
constexpr std::uint32_t mapped_prefix = 0xffff'0000;  // ::ffff:0:0/96 as the third word lies in memory

template <class T>
T read(SocketAddress const &a)
{
    T t{};
    std::memcpy(&t, a.data, a.bytes < sizeof t ? a.bytes : sizeof t);
    return t;
}

template <class T>
SocketAddress written(T const &t)
{
    SocketAddress a;
    a.bytes = sizeof t;
    std::memcpy(a.data, &t, sizeof t);
    return a;
}

Endpoint from_v6(sockaddr_in6 const &s)
{
    Endpoint e;
    e.port = swap16(s.sin6_port);
    std::uint32_t w[4];
    std::memcpy(w, &s.sin6_addr, sizeof w);
    if (w[0] == 0 && w[1] == 0 && w[2] == mapped_prefix) {
        ip_addr_set_ip4_u32_val(e.ip, w[3]);
        return e;
    }
    IP_ADDR6(&e.ip, w[0], w[1], w[2], w[3]);
    if (ip6_addr_has_scope(ip_2_ip6(&e.ip), IP6_UNKNOWN) && s.sin6_scope_id)
        ip6_addr_set_zone(ip_2_ip6(&e.ip), static_cast<u8_t>(s.sin6_scope_id));
    return e;
}
}  // namespace

Result<Endpoint> endpoint_of(SocketAddress const &a, int family)
{
    constexpr std::uint32_t oldest_in6 = 24;  // without a scope: RFC 2133
    if (a.bytes < sizeof(std::uint16_t))
        return Error::inval;
    if (a.family() == abi_af_inet6 && family == abi_af_inet6) {
        if (a.bytes < oldest_in6)
            return Error::inval;
        return from_v6(read<sockaddr_in6>(a));
    }
    if (a.bytes < sizeof(sockaddr_in))
        return Error::inval;
    if (a.family() != abi_af_inet)
        return Error::afnosupport;
    auto s = read<sockaddr_in>(a);
    Endpoint e;
    e.port = swap16(s.sin_port);
    ip_addr_set_ip4_u32_val(e.ip, s.sin_addr.s_addr);
    return e;
}

std::uint32_t scope_of(ip_addr_t const &a)
{
    return IP_IS_V6_VAL(a) && ip6_addr_has_zone(ip_2_ip6(&a)) ? ip6_addr_zone(ip_2_ip6(&a)) : 0;
}

in6_addr to_in6(ip_addr_t const &a)
{
    std::uint32_t w[4] = {0, 0, mapped_prefix, 0};
    if (IP_IS_V6_VAL(a))
        std::memcpy(w, ip_2_ip6(&a)->addr, sizeof w);
    else if (IP_IS_ANY_TYPE_VAL(a))
        w[2] = 0;
    else
        w[3] = ip_2_ip4(&a)->addr;
    in6_addr out;
    std::memcpy(&out, w, sizeof out);
    return out;
}

SocketAddress to_address(Endpoint const &e, int family)
{
    if (family == abi_af_inet) {
        sockaddr_in s{};
        s.sin_family = abi_af_inet;
        s.sin_port = swap16(e.port);
        if (IP_IS_V4_VAL(e.ip))
            s.sin_addr.s_addr = ip_2_ip4(&e.ip)->addr;
        return written(s);
    }
    sockaddr_in6 s{};
    s.sin6_family = abi_af_inet6;
    s.sin6_port = swap16(e.port);
    s.sin6_addr = to_in6(e.ip);
    s.sin6_scope_id = scope_of(e.ip);
    return written(s);
}

Endpoint any_endpoint(int family)
{
    Endpoint e;
    ip_addr_set_any_val(family == abi_af_inet6, e.ip);
    return e;
}
}  // namespace kernel::net
