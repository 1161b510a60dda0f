// SPDX-License-Identifier: MIT
#include <kernel/net/inet/inet_socket.hpp>
#include <kernel/net/notify.hpp>
namespace kernel::net {
void notify_link(NetDevice const &, bool) {}
void notify_address(NetDevice const &, ip_addr_t const &, unsigned, bool) {}
void notify_route(Route const &, bool) {}
Result<std::int32_t> interface_ioctl(unsigned, std::uint32_t) { return Error::notty; }
}
