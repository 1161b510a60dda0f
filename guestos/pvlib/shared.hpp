// SPDX-License-Identifier: MIT
// The page this domain shares with the hypervisor, and what was handed over at the start. boot.cpp maps the page at this
// symbol (its address is then a constant in entry.S) before anything else runs.
#pragma once
#include <pv/xen.h>

namespace pv {
extern "C" struct shared_info volatile shared_page;  // link.ld: one page
extern struct start_info const *start;               // boot.cpp
inline struct vcpu_info volatile &vcpu() { return shared_page.vcpu_info[0]; }
inline bool is_initial_domain() { return (start->flags & SIF_INITDOMAIN) != 0; }
}  // namespace pv
