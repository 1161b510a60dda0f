// SPDX-License-Identifier: MIT
// The ring-1 stack pointer may be any number. One inside the hypervisor must not make the hypervisor write there.
#include "guest.hpp"

char const title[] = "a ring-1 stack inside the hypervisor ends the domain";

void test_main()
{
    hypercall(__HYPERVISOR_stack_switch, FLAT_KERNEL_DS, 0xfe001000);
    asm volatile("mov $0xfe001000, %esp\n\tud2");
    success();
}
