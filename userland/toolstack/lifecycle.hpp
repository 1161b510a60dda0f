// SPDX-License-Identifier: MIT
// A domain's life, from a guest file to nothing being left of it.
#pragma once
#include <userland/toolstack/guest_nodes.hpp>
#include <userland/xen/domains.hpp>

// What every command works with.
struct Toolstack {
    // Failure: says which device or daemon is missing, and what to do.
    Toolstack();
    xen::Hypervisor hypervisor;
    xen::Store store;
};

enum class Start { running, paused };

// Makes a domain, known to xenstore and its daemons. Failure: nothing is left of it.
GuestIdentity create_guest(Toolstack &, GuestConfig const &, Start);
// Ends a domain at once, whatever it does. Failure: there is none, or the hypervisor refused.
void destroy_guest(Toolstack &, domid_t);

// Asks the domain's kernel, by control/shutdown ("poweroff", "reboot"). Failure: it does not listen.
void ask_guest(Toolstack &, domid_t, std::string const &what);
// Waits until the domain has ended or shut down. False: not within `seconds`.
bool wait_for_end(Toolstack &, domid_t, double seconds);

xen::DomainInfo info_of(Toolstack &, domid_t);  // Failure: there is no such domain
// The number of the domain of that name or number. Failure: there is none; it is domain 0, whose `devices` are not the toolstack's.
domid_t guest_with(Toolstack &, std::string const &name_or_number, char const *devices);
