// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/net/flow.hpp>

namespace kernel::net {
std::uint32_t flow_hash(pbuf const *p)
{
    std::uint8_t bytes[most_header_bytes];
    auto n = pbuf_copy_partial(p, bytes, sizeof bytes, 0);
    Headers h;
    if (!parse_headers(bytes, n, h))
        return 0;
    constexpr unsigned source4 = 12, addresses4 = 8, source6 = 8, addresses6 = 32, ports = 4;  // RFC 791, RFC 8200
    std::uint32_t hash = 2166136261u;                                                          // FNV-1a
    auto add = [&](unsigned at, unsigned count) {
        for (unsigned i = at; i < at + count && i < n; ++i)
            hash = (hash ^ bytes[i]) * 16777619u;
    };
    add(h.network + (h.version == 6 ? source6 : source4), h.version == 6 ? addresses6 : addresses4);
    if (h.is_tcp() || h.is_udp())
        add(h.transport, ports);
    return hash ^ hash >> 16;
}
}  // namespace kernel::net
