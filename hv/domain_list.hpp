// SPDX-License-Identifier: MIT
// Entering a domain in the list of all (find_domain: domain.hpp), and taking it out.
#pragma once
#include <hv/domain.hpp>

namespace hv {
void link_domain(Domain &);
void unlink_domain(Domain &);
}  // namespace hv
