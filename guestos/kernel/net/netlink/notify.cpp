// SPDX-License-Identifier: MIT
// What changes is told to the sockets that are members of its group.
#include <kernel/net/netlink/messages.hpp>
#include <kernel/net/netlink/netlink_socket.hpp>
#include <kernel/net/notify.hpp>

namespace kernel::net {
namespace {
template <class F>
void tell(unsigned group, F write)
{
    for (auto &s : netlink_sockets()) {
        if (!s.member_of(group))
            continue;
        MessageWriter w;
        write(w);
        if (w.end())
            s.deliver(w, group);
    }
}
}  // namespace

void notify_link(NetDevice const &d, bool removed)
{
    tell(RTNLGRP_LINK, [&](MessageWriter &w) { write_link(w, d, removed ? RTM_DELLINK : RTM_NEWLINK, {}); });
}

void notify_address(NetDevice const &d, ip_addr_t const &a, unsigned prefix_bits, bool removed)
{
    tell(IP_IS_V6_VAL(a) ? RTNLGRP_IPV6_IFADDR : RTNLGRP_IPV4_IFADDR, [&](MessageWriter &w) {
        write_address(w, d, a, prefix_bits, IFA_F_PERMANENT, removed ? RTM_DELADDR : RTM_NEWADDR, {});
    });
}

void notify_route(Route const &r, bool removed)
{
    tell(r.is_v6() ? RTNLGRP_IPV6_ROUTE : RTNLGRP_IPV4_ROUTE,
         [&](MessageWriter &w) { write_route(w, r, removed ? RTM_DELROUTE : RTM_NEWROUTE, {}); });
}
}  // namespace kernel::net
