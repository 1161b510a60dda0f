// SPDX-License-Identifier: MIT
#include <kernel/lazy.hpp>
#include <kernel/net/interface.hpp>
#include <kernel/net/notify.hpp>
#include <kernel/net/routes.hpp>
#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/nd6.h>

#include <hooks.h>

namespace kernel::net {
namespace {
constinit Lazy<RouteList> table;

bool matches4(ip4_addr_t const &a, ip4_addr_t const &b, unsigned bits)
{
    return ((a.addr ^ b.addr) & mask_of_bits(bits).addr) == 0;
}

bool matches6(ip6_addr_t const &a, ip6_addr_t const &b, unsigned bits)
{
    for (unsigned i = 0; i < 4 && bits; ++i) {
        unsigned n = bits < 32 ? bits : 32;
        if ((a.addr[i] ^ b.addr[i]) & mask_of_bits(n).addr)
            return false;
        bits -= n;
    }
    return true;
}

bool covers(Route const &r, ip_addr_t const &a)
{
    if (r.is_v6() != IP_IS_V6_VAL(a))
        return false;
    return r.is_v6() ? matches6(*ip_2_ip6(&r.destination), *ip_2_ip6(&a), r.prefix_bits)
                     : matches4(*ip_2_ip4(&r.destination), *ip_2_ip4(&a), r.prefix_bits);
}

bool same_destination(Route const &a, Route const &b)
{
    return a.is_v6() == b.is_v6() && a.prefix_bits == b.prefix_bits && covers(a, b.destination);
}

void drop(Route &r)
{
    routes().erase(routes().iterator_to(r));
    nd6_clear_destination_cache();
    notify_route(r, true);
    delete &r;
}

// Before those that are less specific or cost more.
RouteList::iterator place_of(Route const &r)
{
    auto at = routes().begin();
    while (at != routes().end()
           && (at->prefix_bits > r.prefix_bits || (at->prefix_bits == r.prefix_bits && at->metric <= r.metric)))
        ++at;
    return at;
}

bool usable(NetDevice const &d) { return d.up && d.carrier; }

struct netif *through4(ip4_addr_t const &source, ip4_addr_t const &to)
{
    if (owner_of(to))
        return &loopback().netif;
    ip_addr_t destination;
    ip_addr_copy_from_ip4(destination, to);
    if (auto r = find_route(destination))
        return &r->device->netif;
    // Multicast and the limited broadcast need no route: the interface that has the source's address, or the first that is up.
    bool everywhere = ip4_addr_ismulticast(&to) || to.addr == IPADDR_BROADCAST;
    if (!everywhere)
        return nullptr;
    if (auto owner = owner_of(source); owner && usable(*owner))
        return &owner->netif;
    for (auto &d : devices())
        if (!d.is_loopback() && usable(d))
            return &d.netif;
    return nullptr;
}
}  // namespace

RouteList &routes() { return *table; }

Result<> add_route(Route const &wanted, bool replace, bool append)
{
    if (!wanted.device || !wanted.device->up)
        return Error::netdown;
    if (wanted.has_gateway() && !find_route(wanted.gateway, wanted.device) && !ip_addr_islinklocal(&wanted.gateway))
        return Error::netunreach;
    for (auto at = routes().begin(); at != routes().end();) {
        auto &r = *at++;
        if (append || !same_destination(r, wanted) || r.metric != wanted.metric)
            continue;
        if (!replace)
            return Error::exist;
        drop(r);
    }
    auto r = new (std::nothrow) Route{wanted};
    if (!r)
        return Error::nobufs;
    if (r->is_v6() && r->has_gateway())
        ip6_addr_assign_zone(ip_2_ip6(&r->gateway), IP6_UNICAST, &r->device->netif);
    routes().insert(place_of(*r), *r);
    nd6_clear_destination_cache();
    notify_route(*r, false);
    return {};
}

Result<> remove_route(Route const &w)
{
    for (auto &r : routes())
        if (same_destination(r, w) && (!w.device || w.device == r.device) && (!w.metric || w.metric == r.metric)
            && (!w.has_gateway() || ip_addr_cmp(&w.gateway, &r.gateway)) && (!w.protocol || w.protocol == r.protocol)) {
            drop(r);
            return {};
        }
    return Error::srch;
}

void remove_routes_of(NetDevice &d, bool v4_only)
{
    for (auto at = routes().begin(); at != routes().end();) {
        auto &r = *at++;
        if (r.device == &d && !(v4_only && r.is_v6()))
            drop(r);
    }
}

Route const *find_route(ip_addr_t const &destination, NetDevice const *through)
{
    // Through an interface without carrier too, as on Linux: what is sent is lost there, and TCP asks again. Without a route it would not
    // even start its clock.
    for (auto const &r : routes())
        if ((!through || r.device == through) && r.device->up && covers(r, destination))
            return &r;
    return nullptr;
}

bool find_way(ip_addr_t const &to, NetDevice *through, Way &way)
{
    ip_addr_t any;
    ip_addr_set_any_val(IP_IS_V6_VAL(to), any);
    auto n = through ? &through->netif : ip_route(&any, &to);
    if (!n)
        return false;
    way.device = &NetDevice::of(n);
    if (way.device->is_loopback() && !ip_addr_ismulticast(&to)) {
        ip_addr_copy(way.source, to);  // one's own address, whichever it is
        return true;
    }
    if (auto r = find_route(to, way.device); r && !ip_addr_isany_val(r->source)) {
        ip_addr_copy(way.source, r->source);
        return true;
    }
    auto local = ip_netif_get_local_ip(n, &to);
    if (!local)
        return false;
    ip_addr_copy(way.source, *local);
    return true;
}
}  // namespace kernel::net

using namespace kernel::net;

struct netif *lwip_port_route4(ip4_addr_t const *source, ip4_addr_t const *to)
{
    ip4_addr_t none{};
    return through4(source ? *source : none, *to);
}

ip4_addr_t const *lwip_port_gateway4(struct netif *n, ip4_addr_t const *to)
{
    ip_addr_t destination;
    ip_addr_copy_from_ip4(destination, *to);
    auto r = find_route(destination, &NetDevice::of(n));
    // Without a route (an interface that the program named) the destination itself is asked for on the link.
    return r && r->has_gateway() ? ip_2_ip4(&r->gateway) : to;
}

struct netif *lwip_port_route6(ip6_addr_t const *, ip6_addr_t const *to)
{
    if (owner_of(*to))
        return &loopback().netif;
    ip_addr_t destination;
    ip_addr_copy_from_ip6(destination, *to);
    auto r = find_route(destination);
    return r ? &r->device->netif : nullptr;
}

ip6_addr_t const *lwip_port_gateway6(struct netif *n, ip6_addr_t const *to)
{
    ip_addr_t destination;
    ip_addr_copy_from_ip6(destination, *to);
    auto r = find_route(destination, &NetDevice::of(n));
    if (!r)
        return nullptr;  // lwIP knows the routers that announced themselves
    return r->has_gateway() ? ip_2_ip6(&r->gateway) : to;
}
