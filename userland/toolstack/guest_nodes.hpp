// SPDX-License-Identifier: MIT
// What a domain finds in xenstore, and others find of it (xenstore-paths): its home /local/domain/N, its lasting part /vm/UUID, its
// devices' front ends below the home and back ends below domain 0's.
#pragma once
#include <userland/toolstack/builder.hpp>
#include <userland/toolstack/guest_config.hpp>
#include <userland/xen/store.hpp>

struct GuestIdentity {
    domid_t domain;
    Uuid uuid;
};

std::string home_of(domid_t);
std::string vm_of(Uuid const &);

// All nodes of a new domain, at once. Failure: says which could not be written.
void write_guest_nodes(xen::Store &, GuestIdentity const &, GuestConfig const &, BuiltDomain const &, BuildOrder const &);
// Whatever is there of them.
void remove_guest_nodes(xen::Store &, domid_t);

// The number of the domain of that name or number. Failure: there is none.
domid_t find_guest(xen::Store &, std::string const &name_or_number);
std::string name_of(xen::Store &, domid_t);  // "Domain-0"; "(null)" for a domain without one
