// SPDX-License-Identifier: MIT
// The network lock: whoever calls lwIP, or touches devices, routes and sockets' protocol state, holds it. Copies to and from user
// memory are made without it.
//
// Interrupt handlers do not take it: they only tell the network thread (NetDevice::request_poll()). When it is released, what
// was sent meanwhile leaves in one go, and what was sent to this machine itself is received.
#pragma once

namespace kernel::net {
class [[nodiscard]] Guard {
public:
    Guard();
    ~Guard();
    Guard(Guard const &) = delete;
    Guard &operator=(Guard const &) = delete;
};
bool locked_by_this_thread();
}  // namespace kernel::net
