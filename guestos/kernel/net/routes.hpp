// SPDX-License-Identifier: MIT
// The routing tables. lwIP asks here first (hooks.h). IPv6 routes that router advertisements bring stay lwIP's own.
#pragma once
#include <kernel/net/device.hpp>
#include <lwip/ip_addr.h>

namespace kernel::net {
struct Route : boost::intrusive::list_base_hook<> {
    ip_addr_t destination{}, gateway{}, source{};  // gateway, source: any: none
    std::uint8_t prefix_bits = 0;
    std::uint8_t protocol = 0, scope = 0, type = 1;  // RTPROT_*, RT_SCOPE_*, RTN_UNICAST
    std::uint32_t metric = 0;
    NetDevice *device = nullptr;
    bool is_v6() const { return IP_IS_V6_VAL(destination); }
    bool has_gateway() const { return !ip_addr_isany_val(gateway); }
};
using RouteList = boost::intrusive::list<Route, boost::intrusive::constant_time_size<false>>;
// Most specific first, then by metric.
RouteList &routes();
// Error::exist: the same destination, metric and family is there (replace: takes its place).
Result<> add_route(Route const &, bool replace, bool append = false);
// The first that fits what is given: device null, gateway any, metric 0, protocol 0 fit all. Error::srch.
Result<> remove_route(Route const &);
void remove_routes_of(NetDevice &, bool v4_only = false);
// Longest prefix; interfaces that are down do not count. nullptr: none.
Route const *find_route(ip_addr_t const &destination, NetDevice const *through = nullptr);

// Where a packet to `destination` would go, and from which address; false: no route.
struct Way {
    NetDevice *device = nullptr;
    ip_addr_t source{};
};
bool find_way(ip_addr_t const &destination, NetDevice *through, Way &);
}  // namespace kernel::net
