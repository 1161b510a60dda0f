// SPDX-License-Identifier: MIT
#pragma once
#include <kernel/net/packet.hpp>

namespace kernel::net {
// The packet in a form that lwIP reads only within; empty: nothing for lwIP, or no memory. Without a link header it begins with that of
// IP, as on the loopback interface.
Packet admitted(Packet, bool has_link_header);
}  // namespace kernel::net
