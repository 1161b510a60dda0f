// SPDX-License-Identifier: MIT
// /proc/net/{dev,route,arp,if_inet6,ipv6_route,igmp}
#include <abi/interface.h>
#include <kernel/net/interface.hpp>
#include <kernel/net/lock.hpp>
#include <kernel/net/proc/proc_net.hpp>
#include <kernel/net/routes.hpp>
#include <lib/format.hpp>
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

namespace kernel::net {
namespace {
using Number = unsigned long long;

void print_words(Text &out, std::uint32_t const (&w)[4])  // an IPv6 address without colons
{
    for (auto n : w)
        out.print("%08x", lwip_ntohl(n));
}

void print_dotted(Text &out, ip4_addr_t const &a, int width)
{
    char text[16];
    ip4addr_ntoa_r(&a, text, sizeof text);
    out.print("%-*s", width, text);
}
}  // namespace

Result<> show_devices(Text &out, ProcTarget const &)
{
    Guard guard;
    out.append(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
        "carrier compressed\n");
    for (auto const &d : devices()) {
        auto const &c = d.counters;
        out.print("%6s: %7llu %7llu %4llu %4llu %4u %5u %10u %9llu ", d.name, Number{c.rx_bytes}, Number{c.rx_packets},
                  Number{c.rx_errors}, Number{c.rx_dropped}, 0u, 0u, 0u, Number{c.rx_multicast});
        out.print("%8llu %7llu %4llu %4llu %4u %5u %7u %10u\n", Number{c.tx_bytes}, Number{c.tx_packets},
                  Number{c.tx_errors}, Number{c.tx_dropped}, 0u, 0u, 0u, 0u);
    }
    return {};
}

Result<> show_routes(Text &out, ProcTarget const &)
{
    Guard guard;
    out.print("%-127s\n", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
    for (auto const &r : routes()) {
        if (r.is_v6())
            continue;
        unsigned flags = abi_rtf_up | (r.has_gateway() ? abi_rtf_gateway : 0) | (r.prefix_bits == 32 ? abi_rtf_host : 0);
        char line[128];
        format(line, sizeof line, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u", r.device->name,
               ip_2_ip4(&r.destination)->addr, ip_2_ip4(&r.gateway)->addr, flags, 0, 0u, r.metric,
               mask_of_bits(r.prefix_bits).addr, 0, 0u, 0u);
        out.print("%-127s\n", line);
    }
    return {};
}

Result<> show_routes6(Text &out, ProcTarget const &)
{
    Guard guard;
    constexpr std::uint32_t none[4] = {};
    auto line = [&](std::uint32_t const(&to)[4], unsigned bits, std::uint32_t const(&gateway)[4], unsigned metric,
                    unsigned flags, char const *name) {
        print_words(out, to);
        out.print(" %02x ", bits);
        print_words(out, none);
        out.append(" 00 ");
        print_words(out, gateway);
        out.print(" %08x %08x %08x %08x %8s\n", metric, 1u, 0u, flags, name);
    };
    for (auto const &r : routes())
        if (r.is_v6())
            line(ip_2_ip6(&r.destination)->addr, r.prefix_bits, ip_2_ip6(&r.gateway)->addr, r.metric,
                 abi_rtf_up | (r.has_gateway() ? abi_rtf_gateway : 0), r.device->name);
    for (unsigned i = 0; i < LWIP_ND6_NUM_ROUTERS; ++i)
        if (auto n = default_router_list[i].neighbor_entry)
            line(none, 0, n->next_hop_address.addr, 1024, abi_rtf_up | abi_rtf_gateway, NetDevice::of(n->netif).name);
    return {};
}

Result<> show_arp(Text &out, ProcTarget const &)
{
    Guard guard;
    out.append("IP address       HW type     Flags       HW address            Mask     Device\n");
    for (std::size_t i = 0; i < ARP_TABLE_SIZE; ++i) {
        ip4_addr_t *ip;
        struct netif *n;
        eth_addr *mac;
        if (!etharp_get_entry(i, &ip, &n, &mac) || !n)
            continue;
        print_dotted(out, *ip, 16);
        out.print(" 0x%-10x0x%-10x%s     *        %s\n", unsigned{abi_arphrd_ether}, unsigned{abi_atf_complete},
                  MacText{mac->addr}.text, NetDevice::of(n).name);
    }
    return {};
}

Result<> show_addresses6(Text &out, ProcTarget const &)
{
    Guard guard;
    for (auto const &d : devices())
        for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; ++i) {
            auto state = netif_ip6_addr_state(&d.netif, static_cast<s8_t>(i));
            if (ip6_addr_isinvalid(state))
                continue;
            auto const &a = *netif_ip6_addr(&d.netif, static_cast<s8_t>(i));
            unsigned scope = ip6_addr_isloopback(&a) ? 0x10 : ip6_addr_islinklocal(&a) ? 0x20 : 0;
            print_words(out, a.addr);
            out.print(" %02x %02x %02x %02x %8s\n", d.index, prefix_bits6(d, i), scope,
                      ip6_addr_istentative(state) ? 0x40 : 0x80, d.name);
        }
    return {};
}

Result<> show_groups4(Text &out, ProcTarget const &)
{
    Guard guard;
    out.append("Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n");
    for (auto const &d : devices()) {
        unsigned n = 0;
        for (auto g = netif_igmp_data(&d.netif); g; g = g->next)
            ++n;
        out.print("%u\t%-10s: %5u      V2\n", d.index, d.name, n);
        for (auto g = netif_igmp_data(&d.netif); g; g = g->next)
            out.print("\t\t\t\t%08X %5d %d:%08X\t\t%d\n", g->group_address.addr, g->use, g->timer ? 1 : 0,
                      static_cast<unsigned>(g->timer), g->last_reporter_flag);
    }
    return {};
}
}  // namespace kernel::net
