// SPDX-License-Identifier: MIT
#include <kernel/net/lock.hpp>
#include <kernel/net/parts.hpp>
#include <kernel/net/thread.hpp>
#include <lwip/init.h>

namespace kernel::net {
void net_init()
{
    {
        Guard guard;
        lwip_init();
        start_icmp_errors();
    }
    start_loopback();
    start_net_thread();
}
}  // namespace kernel::net
