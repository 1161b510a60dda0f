// SPDX-License-Identifier: MIT
// RTM_*NEIGH: who has which hardware address, as ARP and neighbour discovery know.
#include <abi/socket.h>
#include <kernel/net/netlink/messages.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <linux/neighbour.h>
#include <lwip/etharp.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

namespace kernel::net {
namespace {
std::uint16_t state_of(nd6_neighbor_cache_entry const &n)
{
    switch (n.state) {
    case ND6_INCOMPLETE: return NUD_INCOMPLETE;
    case ND6_REACHABLE: return NUD_REACHABLE;
    case ND6_STALE: return NUD_STALE;
    case ND6_DELAY: return NUD_DELAY;
    default: return NUD_PROBE;
    }
}

void write(MessageWriter &w, NetDevice const &d, ip_addr_t const &a, void const *mac, std::uint16_t state,
           NetlinkRequest const &r)
{
    ndmsg m{};
    m.ndm_family = IP_IS_V6_VAL(a) ? abi_af_inet6 : abi_af_inet;
    m.ndm_ifindex = static_cast<int>(d.index);
    m.ndm_state = state;
    m.ndm_type = RTN_UNICAST;
    w.begin(RTM_NEWNEIGH, NLM_F_MULTI, r.header.nlmsg_seq, r.socket.port(), m);
    put_ip(w, NDA_DST, a);
    w.attribute(NDA_LLADDR, mac, 6);
}

void dump_all(NetlinkRequest const &r, ndmsg const &m)
{
    Dump dump{r};
    auto wanted = [&](NetDevice const &d) { return !m.ndm_ifindex || static_cast<int>(d.index) == m.ndm_ifindex; };
    for (std::size_t i = 0; i < ARP_TABLE_SIZE && m.ndm_family != abi_af_inet6; ++i) {
        ip4_addr_t *ip;
        struct netif *n;
        eth_addr *mac;
        if (!etharp_get_entry(i, &ip, &n, &mac) || !n || !wanted(NetDevice::of(n)))
            continue;
        ip_addr_t a;
        ip_addr_copy_from_ip4(a, *ip);
        dump.add([&](MessageWriter &w) { write(w, NetDevice::of(n), a, mac, NUD_REACHABLE, r); });
    }
    for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS && m.ndm_family != abi_af_inet; ++i) {
        auto &entry = neighbor_cache[i];
        if (entry.state == ND6_NO_ENTRY || !entry.netif || !wanted(NetDevice::of(entry.netif)))
            continue;
        ip_addr_t a;
        ip_addr_copy_from_ip6(a, entry.next_hop_address);
        dump.add([&](MessageWriter &w) { write(w, NetDevice::of(entry.netif), a, entry.lladdr, state_of(entry), r); });
    }
    dump.finish();
}
}  // namespace

// lwIP takes IPv4 entries by hand; its neighbour cache of IPv6 is its own affair.
Error handle_neighbour(NetlinkRequest const &r)
{
    auto m = r.family_header<ndmsg>();
    if (r.header.nlmsg_type == RTM_GETNEIGH) {
        if (!r.is_dump())
            return Error::opnotsupp;
        dump_all(r, m);
        return Error::none;
    }
    auto a = r.attributes<ndmsg>();
    ip_addr_t ip;
    if (m.ndm_family != abi_af_inet)
        return Error::opnotsupp;
    if (!read_ip(a, NDA_DST, false, ip))
        return Error::inval;
    if (r.header.nlmsg_type == RTM_DELNEIGH)
        return etharp_remove_static_entry(ip_2_ip4(&ip)) == ERR_OK ? Error::none : Error::noent;
    eth_addr mac;
    if (!a.read(NDA_LLADDR, mac.addr))
        return Error::inval;
    return etharp_add_static_entry(ip_2_ip4(&ip), &mac) == ERR_OK ? Error::none : Error::netunreach;
}
}  // namespace kernel::net
