// SPDX-License-Identifier: MIT
// /proc/net: what netstat, ss, ifconfig, route and arp read. proc(5) and Linux's own column headings are the source.
#pragma once
#include <kernel/procfs/procfs.hpp>

namespace kernel::net {
Result<> show_tcp(Text &, ProcTarget const &);
Result<> show_tcp6(Text &, ProcTarget const &);
Result<> show_udp(Text &, ProcTarget const &);
Result<> show_udp6(Text &, ProcTarget const &);
Result<> show_raw(Text &, ProcTarget const &);
Result<> show_raw6(Text &, ProcTarget const &);
Result<> show_icmp(Text &, ProcTarget const &);
Result<> show_devices(Text &, ProcTarget const &);
Result<> show_routes(Text &, ProcTarget const &);
Result<> show_routes6(Text &, ProcTarget const &);
Result<> show_arp(Text &, ProcTarget const &);
Result<> show_addresses6(Text &, ProcTarget const &);
Result<> show_snmp(Text &, ProcTarget const &);
Result<> show_netstat(Text &, ProcTarget const &);
Result<> show_socket_counts(Text &, ProcTarget const &);
Result<> show_packet_sockets(Text &, ProcTarget const &);
Result<> show_netlink_sockets(Text &, ProcTarget const &);
Result<> show_groups4(Text &, ProcTarget const &);
}  // namespace kernel::net
