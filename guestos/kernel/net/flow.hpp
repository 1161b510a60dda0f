// SPDX-License-Identifier: MIT
// Which packets belong together, for drivers with more than one queue: those of one flow keep their order.
#pragma once
#include <kernel/net/packet.hpp>

namespace kernel::net {
// The same for all packets of a TCP or UDP flow in one direction; of other IP packets, and of fragments, for all between the same
// addresses. 0 for what is not IP.
std::uint32_t flow_hash(pbuf const *);
}  // namespace kernel::net
