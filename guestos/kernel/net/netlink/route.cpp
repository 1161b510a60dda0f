// SPDX-License-Identifier: MIT
// RTM_*ROUTE. One table, "main"; what is local follows from the addresses and is told as table "local".
#include <abi/socket.h>
#include <kernel/net/interface.hpp>
#include <kernel/net/netlink/messages.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

namespace kernel::net {
namespace {
void write_body(MessageWriter &w, Route const &r, std::uint16_t type, Addressee const &to, std::uint8_t table)
{
    rtmsg m{};
    m.rtm_family = r.is_v6() ? abi_af_inet6 : abi_af_inet;
    m.rtm_dst_len = r.prefix_bits;
    m.rtm_table = table;
    m.rtm_protocol = r.protocol;
    m.rtm_scope = r.scope;
    m.rtm_type = r.type;
    w.begin(type, to.flags, to.sequence, to.port, m);
    w.attribute(RTA_TABLE, std::uint32_t{table});
    if (r.prefix_bits)
        put_ip(w, RTA_DST, r.destination);
    if (r.has_gateway())
        put_ip(w, RTA_GATEWAY, r.gateway);
    if (!ip_addr_isany_val(r.source))
        put_ip(w, RTA_PREFSRC, r.source);
    if (r.metric)
        w.attribute(RTA_PRIORITY, r.metric);
    if (r.device)
        w.attribute(RTA_OIF, r.device->index);
}

Route local_route(NetDevice &d, ip_addr_t const &a)
{
    Route r;
    r.destination = r.source = a;
    ip_addr_set_any_val(IP_IS_V6_VAL(a), r.gateway);
    r.prefix_bits = IP_IS_V6_VAL(a) ? 128 : d.is_loopback() ? 8 : 32;
    r.protocol = RTPROT_KERNEL;
    r.scope = RT_SCOPE_HOST;
    r.type = RTN_LOCAL;
    r.device = &d;
    return r;
}

// The routers that announced themselves, and the prefixes they said are on the link.
template <class F>
void each_announced(F f)
{
    for (unsigned i = 0; i < LWIP_ND6_NUM_PREFIXES; ++i)
        if (prefix_list[i].netif) {
            Route r;
            ip_addr_copy_from_ip6(r.destination, prefix_list[i].prefix);
            ip_addr_set_any_val(true, r.gateway);
            r.prefix_bits = 64;
            r.protocol = RTPROT_RA;
            r.device = &NetDevice::of(prefix_list[i].netif);
            f(r);
        }
    for (unsigned i = 0; i < LWIP_ND6_NUM_ROUTERS; ++i)
        if (auto n = default_router_list[i].neighbor_entry) {
            Route r;
            ip_addr_set_any_val(true, r.destination);
            ip_addr_copy_from_ip6(r.gateway, n->next_hop_address);
            r.protocol = RTPROT_RA;
            r.metric = 1024;
            r.device = &NetDevice::of(n->netif);
            f(r);
        }
}

void dump_all(NetlinkRequest const &r, unsigned family, std::uint32_t table)
{
    Dump dump{r};
    Addressee to{r.header.nlmsg_seq, r.socket.port(), NLM_F_MULTI};
    auto wanted = [family](Route const &x) { return !family || x.is_v6() == (family == abi_af_inet6); };
    auto tell = [&](Route const &x, std::uint8_t t) {
        if (wanted(x))
            dump.add([&](MessageWriter &w) { write_body(w, x, RTM_NEWROUTE, to, t); });
    };
    if (!table || table == RT_TABLE_MAIN) {
        for (auto &x : routes())
            tell(x, RT_TABLE_MAIN);
        each_announced([&](Route const &x) { tell(x, RT_TABLE_MAIN); });
    }
    if (!table || table == RT_TABLE_LOCAL)
        for (auto &d : devices()) {
            if (address_of(d).is_set())
                tell(local_route(d, d.netif.ip_addr), RT_TABLE_LOCAL);
            for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i)
                if (ip6_addr_isvalid(netif_ip6_addr_state(&d.netif, static_cast<s8_t>(i))))
                    tell(local_route(d, *netif_ip_addr6(&d.netif, i)), RT_TABLE_LOCAL);
        }
    dump.finish();
}

// "ip route get": which way would a packet go?
Error get_one(NetlinkRequest const &r, bool v6, Attributes const &a)
{
    ip_addr_t to;
    if (!read_ip(a, RTA_DST, v6, to))
        return Error::inval;
    auto through = a.has(RTA_OIF) ? find_device(a.number(RTA_OIF)) : nullptr;
    Way way;
    if (!find_way(to, through, way))
        return Error::netunreach;
    Route x;
    x.destination = to;
    ip_addr_set_any_val(v6, x.gateway);
    x.prefix_bits = v6 ? 128 : 32;
    x.source = way.source;
    x.device = way.device;
    bool local = way.device->is_loopback();
    x.type = local ? RTN_LOCAL : RTN_UNICAST;
    if (auto found = local ? nullptr : find_route(to, way.device))
        x.gateway = found->gateway;
    MessageWriter w;
    write_body(w, x, RTM_NEWROUTE, {r.header.nlmsg_seq, r.socket.port(), 0}, local ? RT_TABLE_LOCAL : RT_TABLE_MAIN);
    if (w.end())
        r.socket.deliver(w);
    return Error::none;
}

Result<Route> read_route(rtmsg const &m, Attributes const &a)
{
    bool v6 = m.rtm_family == abi_af_inet6;
    if (!v6 && m.rtm_family != abi_af_inet)
        return Error::afnosupport;
    if (m.rtm_dst_len > (v6 ? 128 : 32) || m.rtm_src_len)
        return Error::inval;
    if (m.rtm_type != RTN_UNICAST && m.rtm_type != RTN_UNSPEC)
        return Error::opnotsupp;
    auto table = a.number(RTA_TABLE, m.rtm_table);
    if (table != RT_TABLE_MAIN && table != RT_TABLE_UNSPEC)
        return Error::opnotsupp;
    Route x;
    for (auto address : {&x.destination, &x.gateway, &x.source})
        ip_addr_set_any(v6, address);
    if (m.rtm_dst_len && !read_ip(a, RTA_DST, v6, x.destination))
        return Error::inval;
    if (a.has(RTA_GATEWAY) && !read_ip(a, RTA_GATEWAY, v6, x.gateway))
        return Error::inval;
    if (a.has(RTA_PREFSRC) && !read_ip(a, RTA_PREFSRC, v6, x.source))
        return Error::inval;
    if (a.has(RTA_MULTIPATH))
        return Error::opnotsupp;
    x.prefix_bits = m.rtm_dst_len;
    x.protocol = m.rtm_protocol;
    x.scope = m.rtm_scope;
    x.metric = a.number(RTA_PRIORITY);
    if (a.has(RTA_OIF)) {
        x.device = find_device(a.number(RTA_OIF));
        if (!x.device)
            return Error::nodev;
    } else if (x.has_gateway()) {
        if (auto way = find_route(x.gateway))
            x.device = way->device;
    }
    return x;
}
}  // namespace

void write_route(MessageWriter &w, Route const &r, std::uint16_t type, Addressee const &to)
{
    write_body(w, r, type, to, RT_TABLE_MAIN);
}

Error handle_route(NetlinkRequest const &r)
{
    auto m = r.family_header<rtmsg>();
    auto a = r.attributes<rtmsg>();
    if (r.header.nlmsg_type == RTM_GETROUTE) {
        if (!r.is_dump())
            return get_one(r, m.rtm_family == abi_af_inet6, a);
        dump_all(r, m.rtm_family, a.number(RTA_TABLE, m.rtm_table));
        return Error::none;
    }
    auto wanted = read_route(m, a);
    if (!wanted.ok())
        return wanted.error();
    if (r.header.nlmsg_type == RTM_DELROUTE) {
        if (wanted.value().protocol == RTPROT_BOOT)
            wanted.value().protocol = 0;
        return remove_route(wanted.value()).error();
    }
    if (!wanted.value().device)
        return wanted.value().has_gateway() ? Error::netunreach : Error::nodev;
    return add_route(wanted.value(), r.has(NLM_F_REPLACE), r.has(NLM_F_APPEND)).error();
}
}  // namespace kernel::net
