// SPDX-License-Identifier: MIT
// Port numbers that nobody asked for by number.
#pragma once
#include <kernel/process/process.hpp>
#include <kernel/random.hpp>
#include <linux/capability.h>
#include <lwip/ip_addr.h>

namespace kernel::net {
inline constexpr std::uint32_t first_free_port = 32768, free_ports = 28232;  // ip_local_port_range

// The first that `is_free` likes, from a place that cannot be guessed (RFC 6056). Error::addrinuse: none.
template <class F>
Result<std::uint16_t> choose_port(F is_free)
{
    std::uint32_t start = random_u32() % free_ports;
    for (std::uint32_t i = 0; i < free_ports; ++i) {
        auto port = static_cast<std::uint16_t>(first_free_port + (start + i) % free_ports);
        if (is_free(port))
            return port;
    }
    return Error::addrinuse;
}

// Could a packet be for either of two sockets that are bound to these addresses?
inline bool addresses_overlap(ip_addr_t const &a, ip_addr_t const &b)
{
    bool any = ip_addr_isany_val(a) || ip_addr_isany_val(b);
    if (IP_IS_ANY_TYPE_VAL(a) || IP_IS_ANY_TYPE_VAL(b))
        return any;
    return IP_IS_V6_VAL(a) == IP_IS_V6_VAL(b) && (any || ip_addr_cmp(&a, &b));
}

// Ports below 1024 are root's (CAP_NET_BIND_SERVICE).
inline Result<> may_use_port(std::uint16_t port)
{
    constexpr std::uint16_t first_unprivileged = 1024;
    return port && port < first_unprivileged && !current().credentials.has_cap(CAP_NET_BIND_SERVICE)
        ? Result<>{Error::acces}
        : Result<>{};
}
}  // namespace kernel::net
