// SPDX-License-Identifier: MIT
// What the daemon asks of the hypervisor. The tests have a machine of their own.
#pragma once
#include <cstdint>
#include <lib/result.hpp>
#include <pv/io/xs_wire.h>

namespace xenstore {
class Machine {
public:
    virtual ~Machine() = default;

    enum class DomainState { running, shut_down, gone };
    virtual DomainState state_of(domid_t) = 0;

    // The page that a domain shares with us. `frame` is where it says that it is.
    virtual Result<xenstore_domain_interface *> map_ring(domid_t, std::uint32_t frame) = 0;
    virtual void unmap_ring(xenstore_domain_interface *) = 0;

    // Our end of an event channel whose other end the domain has.
    virtual Result<evtchn_port_t> bind(domid_t, evtchn_port_t theirs) = 0;
    virtual void unbind(evtchn_port_t ours) = 0;
    virtual void notify(evtchn_port_t ours) = 0;

    virtual std::uint64_t now_ms() = 0;  // never goes back
};
}  // namespace xenstore
