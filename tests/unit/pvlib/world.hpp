// SPDX-License-Identifier: MIT
// A guest kernel inside a process of this machine: frames, threads that run one at a time and in a fixed order, a clock that moves
// when everybody sleeps, and below it a hypervisor that checks what it is asked (hypervisor.cpp).
#pragma once
#include "../../posix/test.hpp"
#include <cstdint>
#include <functional>
#include <lib/addr.hpp>
#include <pv/grant_table.h>
#include <pv/io/xs_wire.h>
#include <set>
#include <string>
#include <vector>

namespace world {
void begin();  // before anything else in a test
std::uint32_t free_frames();
void settle();                           // runs the other threads until all sleep and the outside has nothing to do
void run_thread(std::function<void()>);  // a kernel thread of the test's
std::uint64_t now();
void pass(std::uint64_t ns);  // the calling thread sleeps so long
// The world outside: called when all threads sleep; true if it did something.
extern std::function<bool()> outside;
extern std::vector<std::string> messages;  // the kernel's log
}  // namespace world

namespace hypervisor {
void send(unsigned port);           // an event for us
extern std::vector<unsigned> sent;  // ports that we notified
extern unsigned next_port;
extern bool refuses_memory;   // populate_physmap gives nothing
extern std::uint32_t pages;   // that the domain has
extern unsigned table_limit;  // frames of our grant table

// Our table as the hypervisor and other domains see it.
grant_entry_v1 &entry(grant_ref_t);
bool map_ours(grant_ref_t, domid_t by, bool write);  // another domain maps; false: not granted
void unmap_ours(grant_ref_t);
// Frames that other domains granted to us: {domain, ref} -> machine frame.
void offer(domid_t, grant_ref_t, std::uint32_t frame, bool writable);
// The same with what the page holds: copied when it is mapped and copied, and back when a writable mapping ends.
void offer_page(domid_t, grant_ref_t, char *contents, bool writable);
char *mapped_at(domid_t, grant_ref_t);  // nullptr: it is not
std::uint32_t mapped_foreign();         // by us, now
extern std::vector<gnttab_copy> copies;
}  // namespace hypervisor
