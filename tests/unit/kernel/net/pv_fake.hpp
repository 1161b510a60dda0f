// SPDX-License-Identifier: MIT
// Grants between two ends in one process: the table is a map, the hypervisor's copy a checked memcpy.
#pragma once
#include <cstddef>

namespace world {
std::size_t grants_out();            // in force at this moment
void refuse_grants(unsigned parts);  // of 1000 copies fail, as if the other end had lent nothing; 0: none
}  // namespace world
