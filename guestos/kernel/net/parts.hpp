// SPDX-License-Identifier: MIT
// What net_init() starts, in this order.
#pragma once

namespace kernel::net {
void start_icmp_errors();  // inet/icmp_errors.cpp; lock held
void start_loopback();     // loopback.cpp
void start_net_thread();   // thread.cpp
}  // namespace kernel::net
