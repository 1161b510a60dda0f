// SPDX-License-Identifier: MIT
// struct sockaddr_in and sockaddr_in6 against lwIP's addresses. A socket of AF_INET6 sees IPv4 addresses as ::ffff:a.b.c.d; here they
// are IPv4 addresses always.
#pragma once
#include <kernel/ipc/socket.hpp>
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/ip_addr.h>

namespace kernel::net {
struct Endpoint {
    ip_addr_t ip{};
    std::uint16_t port = 0;  // host order
    bool is_v6() const { return IP_IS_V6_VAL(ip); }
};
// Error::inval: too short. Error::afnosupport: another family.
Result<Endpoint> endpoint_of(SocketAddress const &, int family);
SocketAddress to_address(Endpoint const &, int family);
Endpoint any_endpoint(int family);
std::uint32_t scope_of(ip_addr_t const &);  // interface index of a link-local address, else 0
in6_addr to_in6(ip_addr_t const &);
inline std::uint16_t swap16(std::uint16_t n) { return static_cast<std::uint16_t>(n << 8 | n >> 8); }
}  // namespace kernel::net
