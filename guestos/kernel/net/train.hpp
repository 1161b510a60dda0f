// SPDX-License-Identifier: MIT
// Trains: several TCP segments of one connection that follow each other, as one packet with one header ("TSO" where a device cuts
// it up, "GSO" where we do).
#pragma once
#include <kernel/net/packet.hpp>

namespace kernel::net {
// Pages of data that a train may touch besides its headers: what every back end of netif.h takes in one packet.
inline constexpr unsigned most_train_pages = 16;

// Appends a segment to a train, or to a single segment, that ends where it begins. False: they do not belong together, nothing
// has changed.
bool couple(Packet &train, Packet &segment);
// The train is complete: lengths and checksums of its header say so.
Packet depart(Packet);
}  // namespace kernel::net
