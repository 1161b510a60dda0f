// SPDX-License-Identifier: MIT
// What becomes of a domain that has ended: one process for each domain waits for that, and does what its guest file says.
#pragma once
#include <userland/toolstack/lifecycle.hpp>

// Starts the process. Its messages go to /var/log/xen/pvctl.log.
void start_monitor(GuestConfig const &, GuestIdentity const &);
