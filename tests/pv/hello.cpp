// SPDX-License-Identifier: MIT
// The smallest guest: boots in ring 1, says so, learns who the hypervisor is, and switches off.
#include "guest.hpp"

char const title[] = "a guest boots and says hello";

void test_main()
{
    std::uint32_t cs;
    asm("mov %%cs, %0" : "=r"(cs));
    check(1, "the ring that the kernel runs in", cs & 3);
    check(4 << 16 | 17, "XENVER_version", hypercall(__HYPERVISOR_xen_version, XENVER_version));
    check_true(info->nr_pages > 0, "start_info names pages");
    success();
}
