// SPDX-License-Identifier: MIT
// The addresses of an interface, as lwIP keeps them and a little more: lwIP has one IPv4 address for each interface, so has ours.
#pragma once
#include <kernel/net/device.hpp>
#include <lwip/ip_addr.h>

namespace kernel::net {
Result<> attach_to_lwip(NetDevice &);  // at registration
void detach_from_lwip(NetDevice &);
void interface_came_up(NetDevice &);  // link-local address, connected routes
void interface_goes_down(NetDevice &);

struct Address4 {
    ip4_addr_t local{}, mask{}, broadcast{};
    bool is_set() const { return local.addr != 0; }
    unsigned prefix_bits() const;
};
Address4 address_of(NetDevice const &);
// Replaces what was there; routes of the old address go, the connected route of the new one comes. `local` 0: removes.
void set_address(NetDevice &, Address4 const &);
ip4_addr_t mask_of_bits(unsigned bits);
unsigned bits_of_mask(ip4_addr_t);

// IPv6: lwIP keeps up to LWIP_IPV6_NUM_ADDRESSES. Error::exist, Error::nospc, Error::addrnotavail.
Result<> add_address6(NetDevice &, ip6_addr_t const &, unsigned prefix_bits);
Result<> remove_address6(NetDevice &, ip6_addr_t const &);
unsigned prefix_bits6(NetDevice const &, unsigned slot);

// Whose address is that? nullptr: nobody's here.
NetDevice *owner_of(ip4_addr_t const &);
NetDevice *owner_of(ip6_addr_t const &);
inline bool is_loopback4(ip4_addr_t const &a) { return (a.addr & 0xff) == 127; }
}  // namespace kernel::net
