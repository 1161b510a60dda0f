// SPDX-License-Identifier: MIT
// The Internet's checksum, RFC 1071.
#pragma once
#include <cstdint>

namespace kernel::net {
// The one's complement sum, folded to 16 bits and not complemented, as a little-endian machine loads it from the packet.
std::uint16_t sum_bytes(void const *, std::uint32_t bytes);
}  // namespace kernel::net
