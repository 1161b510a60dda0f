// SPDX-License-Identifier: MIT
// Changes that netlink's listeners are told of; netlink/notify.cpp sends them. Lock held.
#pragma once
#include <cstdint>
#include <lwip/ip_addr.h>

namespace kernel::net {
class NetDevice;
struct Route;
void notify_link(NetDevice const &, bool removed = false);
void notify_address(NetDevice const &, ip_addr_t const &, unsigned prefix_bits, bool removed);
void notify_route(Route const &, bool removed);
}  // namespace kernel::net
