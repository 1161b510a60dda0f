// SPDX-License-Identifier: MIT
// Event channels as the rest of the hypervisor uses them (event.cpp, event_op.cpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/result.hpp>

namespace hv {
// event_port.cpp
EventPort const &port_of(Domain const &, unsigned port);  // any number: what is not there is free
Result<EventPort *> used_port(Domain &, std::uint32_t port);
Result<unsigned> find_free_port(Domain &);                 // Error::nospc: no more; nothing is taken yet
void open_port(Domain &, unsigned port, EventPort value);  // precondition: find_free_port gave it
void free_port_buckets(Domain &);                          // all ports are closed

// Sets the port pending at its domain, and wakes and notifies the vCPU it is bound to. Precondition: port < max_event_ports.
void set_pending(Domain &, unsigned port);
// The same for what the port's peer hears: an interdomain or IPI port.
Result<> send_event(Domain &, unsigned port);
Result<> close_port(Domain &, unsigned port);
void close_all_ports(Domain &);
// A vCPU changed its vcpu_info's place or was woken: tell it of what is pending already.
void notify(Vcpu &);
bool event_deliverable(Vcpu const &);
bool any_pending(Domain const &, std::uint16_t const *ports, unsigned count);
void end_poll(Vcpu &);
// A new port that `remote` may bind: what the domain builder gives to domains (store, console).
Result<unsigned> alloc_unbound_port(Domain &, DomainId remote);
bool is_global_virq(unsigned virq);
}  // namespace hv
