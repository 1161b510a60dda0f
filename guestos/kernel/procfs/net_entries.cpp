// SPDX-License-Identifier: MIT
// /proc/net: sockets, interfaces, routes, statistics.
#include <kernel/net/proc/proc_net.hpp>
#include <kernel/procfs/procfs.hpp>

namespace kernel {
namespace {
// clang-format off
constexpr ProcEntry net_entries[] = {
    {.name = "arp", .mode = s_ifreg | 0444, .show = net::show_arp},
    {.name = "dev", .mode = s_ifreg | 0444, .show = net::show_devices},
    {.name = "icmp", .mode = s_ifreg | 0444, .show = net::show_icmp},
    {.name = "if_inet6", .mode = s_ifreg | 0444, .show = net::show_addresses6},
    {.name = "igmp", .mode = s_ifreg | 0444, .show = net::show_groups4},
    {.name = "ipv6_route", .mode = s_ifreg | 0444, .show = net::show_routes6},
    {.name = "netlink", .mode = s_ifreg | 0444, .show = net::show_netlink_sockets},
    {.name = "netstat", .mode = s_ifreg | 0444, .show = net::show_netstat},
    {.name = "packet", .mode = s_ifreg | 0444, .show = net::show_packet_sockets},
    {.name = "raw", .mode = s_ifreg | 0444, .show = net::show_raw},
    {.name = "raw6", .mode = s_ifreg | 0444, .show = net::show_raw6},
    {.name = "route", .mode = s_ifreg | 0444, .show = net::show_routes},
    {.name = "snmp", .mode = s_ifreg | 0444, .show = net::show_snmp},
    {.name = "sockstat", .mode = s_ifreg | 0444, .show = net::show_socket_counts},
    {.name = "tcp", .mode = s_ifreg | 0444, .show = net::show_tcp},
    {.name = "tcp6", .mode = s_ifreg | 0444, .show = net::show_tcp6},
    {.name = "udp", .mode = s_ifreg | 0444, .show = net::show_udp},
    {.name = "udp6", .mode = s_ifreg | 0444, .show = net::show_udp6},
    {.name = "unix", .mode = s_ifreg | 0444, .show = show_unix_sockets},
};
// clang-format on
}  // namespace

std::span<ProcEntry const> proc_net_entries() { return net_entries; }
}  // namespace kernel
