// SPDX-License-Identifier: MIT
// A fault whose frame cannot be stored on the ring-1 stack is the guest's double fault: its domain ends, the machine lives.
#include "guest.hpp"

char const title[] = "a stack that cannot be written ends the domain";

void test_main()
{
    asm volatile("mov $0x1000, %esp\n\tud2");
    success();
}
