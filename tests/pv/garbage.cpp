// SPDX-License-Identifier: MIT
// Every hypercall number with arguments that a careless or wicked kernel might pass, a hundred thousand times: numbers at
// the edges, pointers into the hypervisor, into nothing, to the end of the world, to pages of rubbish. The hypervisor
// answers, and is still there when it is over; so is this guest, for nothing here may touch its own code or stack.
#include "guest.hpp"

char const title[] = "rubbish in every register";

namespace {

std::uint32_t state = 0x12345678;
alignas(4096) std::uint32_t rubbish[1024];

std::uint32_t random()
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

std::uint32_t argument()
{
    constexpr std::uint32_t edges[] = {0,          1,          2,          3,          7,          8,
                                       0x1000,     0x7fffffff, 0x80000000, 0xf57ffff8, 0xf5800000, 0xfbfffffc,
                                       0xfc000000, 0xfe000000, 0xff000000, 0xfffffff0, 0xfffffffc, 0xffffffff};
    switch (random() % 4) {
    case 0: return edges[random() % (sizeof edges / sizeof edges[0])];
    case 1: return word(rubbish) + random() % 4096;
    case 2: return random() % 64;
    default: return random();
    }
}

// Calls that would do what they say: end the guest, wait for ever, return somewhere, change its own page tables or traps.
bool is_deadly(std::uint32_t number, std::uint32_t first)
{
    switch (number) {
    case __HYPERVISOR_iret:
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain: return true;
    case __HYPERVISOR_sched_op: return first != SCHEDOP_yield;
    case __HYPERVISOR_sched_op_compat: return first <= SCHEDOP_shutdown;
    case __HYPERVISOR_vcpu_op: return first == VCPUOP_down || first == VCPUOP_register_vcpu_info;
    case __HYPERVISOR_sysctl: return false;
    // Words of rubbish could name its own tables.
    case __HYPERVISOR_mmu_update:
    case __HYPERVISOR_mmuext_op:
    case __HYPERVISOR_memory_op:
    case __HYPERVISOR_multicall: return true;
    default: return false;
    }
}

}  // namespace

void test_main()
{
    unsigned calls = 0, accepted = 0;
    for (unsigned i = 0; i < 100'000; ++i) {
        if (i % 64 == 0)
            for (std::uint32_t &w : rubbish)
                w = argument();
        std::uint32_t number = random() % 80, a = argument();
        if (is_deadly(number, a))
            continue;
        if (number == __HYPERVISOR_console_io && a == CONSOLEIO_write)
            continue;  // would be seen
        ++calls;
        accepted += hypercall_words(number, a, argument(), argument(), argument(), argument()) >= 0;
    }
    print("%u calls, %u of them accepted\n", calls, accepted);
    check(4 << 16 | 17, "the hypervisor answers", hypercall(__HYPERVISOR_xen_version, XENVER_version));
    success();
}
