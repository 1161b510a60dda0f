// SPDX-License-Identifier: MIT
// A guest that faults and has no handler cannot be told: its domain ends, with a report.
#include "guest.hpp"

char const title[] = "an exception without a handler ends the domain";

void test_main()
{
    hypercall(__HYPERVISOR_set_trap_table, 0);
    asm volatile("ud2");
    success();
}
