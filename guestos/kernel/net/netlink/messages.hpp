// SPDX-License-Identifier: MIT
// How an interface, an address, a route, a neighbour is told: in dumps, answers and notifications alike.
#pragma once
#include <kernel/net/device.hpp>
#include <kernel/net/netlink/message.hpp>
#include <kernel/net/routes.hpp>

namespace kernel::net {
// Who the message is for, and that it is one of several.
struct Addressee {
    std::uint32_t sequence = 0, port = 0;
    std::uint16_t flags = 0;
};
void write_link(MessageWriter &, NetDevice const &, std::uint16_t type, Addressee const &);
void write_address(MessageWriter &, NetDevice const &, ip_addr_t const &, unsigned prefix_bits, unsigned flags,
                   std::uint16_t type, Addressee const &);
void write_route(MessageWriter &, Route const &, std::uint16_t type, Addressee const &);
unsigned interface_flags(NetDevice const &);  // IFF_*
// An address of either family from an attribute; false: of another length.
bool read_ip(Attributes const &, unsigned type, bool v6, ip_addr_t &);
void put_ip(MessageWriter &, std::uint16_t type, ip_addr_t const &);
}  // namespace kernel::net
