// SPDX-License-Identifier: MIT
// Multicast groups that sockets are members of. lwIP counts members of each interface; the socket remembers its own, for close(2).
#include <cstring>
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/routes.hpp>
#include <kernel/net/thread.hpp>
#include <lwip/igmp.h>
#include <lwip/mld6.h>

namespace kernel::net {
namespace {
err_t change_membership(NetDevice &d, ip_addr_t const &g, bool join)
{
    if (IP_IS_V6_VAL(g)) {
        ip6_addr_t zoned = *ip_2_ip6(&g);
        ip6_addr_assign_zone(&zoned, IP6_MULTICAST, &d.netif);
        return join ? mld6_joingroup_netif(&d.netif, &zoned) : mld6_leavegroup_netif(&d.netif, &zoned);
    }
    return join ? igmp_joingroup_netif(&d.netif, ip_2_ip4(&g)) : igmp_leavegroup_netif(&d.netif, ip_2_ip4(&g));
}

// The interface a group is reached through, if the program names none.
NetDevice *default_device(ip_addr_t const &group)
{
    Way way;
    return find_way(group, nullptr, way) ? way.device : nullptr;
}

template <class T>
bool load(std::span<char const> value, T &out)
{
    if (value.size() < sizeof out)
        return false;
    std::memcpy(&out, value.data(), sizeof out);
    return true;
}
}  // namespace

Result<> InetSocket::join(ip_addr_t const &group, NetDevice *d)
{
    if (!ip_addr_ismulticast(&group))
        return Error::inval;
    Guard guard;
    if (!d)
        d = default_device(group);
    if (!d)
        return Error::nodev;
    for (auto m = memberships_; m; m = m->next)
        if (m->index == d->index && ip_addr_cmp_zoneless(&m->group, &group))
            return Error::addrinuse;
    auto m = new (std::nothrow) Membership{group, d->index, memberships_};
    if (!m)
        return Error::nobufs;
    if (auto e = change_membership(*d, group, true); e != ERR_OK) {
        delete m;
        return error_of(e);
    }
    memberships_ = m;
    timers_changed();
    return {};
}

Result<> InetSocket::leave(ip_addr_t const &group, NetDevice *d)
{
    Guard guard;
    for (auto at = &memberships_; *at; at = &(*at)->next) {
        auto m = *at;
        if ((d && m->index != d->index) || !ip_addr_cmp_zoneless(&m->group, &group))
            continue;
        *at = m->next;
        if (auto from = find_device(m->index))
            (void)change_membership(*from, group, false);
        delete m;
        return {};
    }
    return Error::addrnotavail;
}

void InetSocket::leave_all()
{
    if (!memberships_)
        return;
    Guard guard;
    while (auto m = memberships_) {
        memberships_ = m->next;
        if (auto d = find_device(m->index))
            (void)change_membership(*d, m->group, false);
        delete m;
    }
}

Result<> InetSocket::group_option4(int option, std::span<char const> value)
{
    ip_mreqn r{};
    if (value.size() < sizeof(ip_mreq))
        return Error::inval;
    std::memcpy(&r, value.data(), value.size() < sizeof r ? value.size() : sizeof r);
    ip_addr_t group;
    ip_addr_set_ip4_u32_val(group, r.imr_multiaddr.s_addr);
    NetDevice *d = nullptr;
    if (r.imr_ifindex)
        d = find_device(static_cast<std::uint32_t>(r.imr_ifindex));
    else if (r.imr_address.s_addr)
        d = owner_of(ip4_addr_t{r.imr_address.s_addr});
    if (!d && (r.imr_ifindex || r.imr_address.s_addr))
        return Error::nodev;
    return option == IP_ADD_MEMBERSHIP ? join(group, d) : leave(group, d);
}

Result<> InetSocket::group_option6(int option, std::span<char const> value)
{
    ipv6_mreq r{};
    if (!load(value, r))
        return Error::inval;
    std::uint32_t w[4];
    std::memcpy(w, &r.ipv6mr_multiaddr, sizeof w);
    ip_addr_t group;
    IP_ADDR6(&group, w[0], w[1], w[2], w[3]);
    auto d = find_device(static_cast<std::uint32_t>(r.ipv6mr_ifindex));
    if (!d && r.ipv6mr_ifindex)
        return Error::nodev;
    return option == IPV6_ADD_MEMBERSHIP ? join(group, d) : leave(group, d);
}

// MCAST_JOIN_GROUP of either family: struct group_req.
Result<> InetSocket::group_request(bool joining, std::span<char const> value)
{
    std::uint32_t index;
    if (value.size() < sizeof index + sizeof(sockaddr_in))
        return Error::inval;
    std::memcpy(&index, value.data(), sizeof index);
    SocketAddress a;
    a.bytes = static_cast<std::uint32_t>(value.size() - sizeof index);
    if (a.bytes > SocketAddress::capacity)
        a.bytes = SocketAddress::capacity;
    std::memcpy(a.data, value.data() + sizeof index, a.bytes);
    auto group = TRY(endpoint_of(a, abi_af_inet6));
    auto d = find_device(index);
    if (!d && index)
        return Error::nodev;
    return joining ? join(group.ip, d) : leave(group.ip, d);
}
}  // namespace kernel::net
