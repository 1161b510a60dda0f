// SPDX-License-Identifier: MIT
// Floating point: a fresh vCPU finds the initial state and zeroes (nothing of whoever ran before), its registers survive
// sleeping, and fpu_taskswitch makes the next use a fault of number 7 that clears itself.
#include "guest.hpp"

char const title[] = "floating-point state";

namespace {

struct alignas(16) Fxsave {
    std::uint8_t bytes[512];
};
Fxsave image;

void fxsave() { asm volatile("fxsave %0" : "=m"(image)); }

void initial_state()
{
    fxsave();
    check(0x37f, "control word", image.bytes[0] | image.bytes[1] << 8);
    check(0x1f80, "MXCSR", image.bytes[24] | image.bytes[25] << 8);
    unsigned sum = 0;
    for (unsigned i = 32; i < 288; ++i)
        sum |= image.bytes[i];
    check(0, "x87 and SSE registers", sum);
    for (unsigned i = 8; i < 24; ++i)
        sum |= image.bytes[i];
    check(0, "instruction and data pointers", sum);
}

void survives_sleep()
{
    std::uint32_t out[4] = {}, in[4] = {1, 2, 3, 4};
    asm volatile("movups %0, %%xmm3" ::"m"(in));
    sched_poll poll{};
    poll.timeout = now() + 5 * ms;
    check(0, "poll", hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
    asm volatile("movups %%xmm3, %0" : "=m"(out));
    check_true(out[0] == 1 && out[1] == 2 && out[2] == 3 && out[3] == 4, "xmm3 after a sleep");
}

void taskswitch()
{
    check(0, "fpu_taskswitch(1)", hypercall(__HYPERVISOR_fpu_taskswitch, 1));
    check_fault(7, "use after it", faults([] { asm volatile("fnop"); }));
    check_fault(-1, "use after the fault", faults([] { asm volatile("fnop"); }));
    hypercall(__HYPERVISOR_fpu_taskswitch, 1);
    check(0, "fpu_taskswitch(0)", hypercall(__HYPERVISOR_fpu_taskswitch, 0));
    check_fault(-1, "use after it", faults([] { asm volatile("fnop"); }));
    // Unmasked division by zero.
    check_fault(16, "a floating-point exception", faults([] {
                    std::uint16_t control = 0x37b;
                    asm volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" ::"m"(control));
                }));
    asm volatile("fninit");
}

}  // namespace

void test_main()
{
    initial_state();
    survives_sleep();
    taskswitch();
    success();
}
