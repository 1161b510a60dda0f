// SPDX-License-Identifier: MIT
// int 0x80 takes ring 3 straight to the guest kernel and iret takes it back: a thousand system calls, not one instruction in
// ring 0. Two witnesses: the hypervisor's own count of entries, and QEMU's trace of every block of instructions run in the
// hypervisor's memory (tests/pv/run). Before a handler is there, int 0x80 is a fault of the program.
#include "guest.hpp"

char const title[] = "system calls by int 0x80 without ring 0";

namespace {

constexpr unsigned calls = 1000;

USER_TEXT void thousand_calls()
{
    for (unsigned i = 0; i < calls; ++i)
        asm volatile("int $0x80" ::"a"(20));
    user_exit(calls);
}
USER_TEXT void one_call()
{
    asm volatile("int $0x80" ::"a"(20));
    user_exit(1);
}

void no_ring0()
{
    // A timer interrupt in between would count: take the best of some tries. Entries that must be there: update of
    // the kernel's own, none; the second reading, one.
    std::uint64_t least = ~0ull;
    syscall_count = 0;
    for (unsigned i = 0; i < 5; ++i) {
        std::uint64_t before = ring0_entries();
        User u = run_user(thousand_calls);
        std::uint64_t entries = ring0_entries() - before - 1;
        check(-1, "fault", u.fault.vector);
        check(calls, "result", u.result);
        if (entries < least)
            least = entries;
    }
    check(5 * calls, "calls that the handler counted", syscall_count);
    check(0, "entries into ring 0 in 1000 system calls", static_cast<std::int64_t>(least));
    print("1000 system calls: %llu entries into ring 0\n", least);
}

void set_handler(void (*handler)(), std::uint8_t flags)
{
    trap_info t[] = {{0x80, flags, FLAT_KERNEL_CS, word(handler)}, {}};
    check(0, "set_trap_table", hypercall(__HYPERVISOR_set_trap_table, t));
}

void no_handler()
{
    hypercall(__HYPERVISOR_set_trap_table, 0);
    trap_info t[] = {{13, 0, FLAT_KERNEL_CS, word(trap_entries[13])}, {}};
    check(0, "set_trap_table", hypercall(__HYPERVISOR_set_trap_table, t));
    Fault f = run_user(one_call).fault;
    check_fault(13, "int 0x80 without a handler", f);
    check(0x80 * 8 + 2, "its error code", f.error);
    set_handler(syscall_entry, 1);  // for ring 1 only
    check_fault(13, "int 0x80 with a handler that ring 3 may not call", run_user(one_call).fault);
}

void slow_handler()
{
    // A handler that wants events masked on entry is reached through ring 0, which does that.
    set_handler(syscall_entry, 3 | 4);
    std::uint64_t before = ring0_entries();
    User u = run_user(one_call);
    check(-1, "fault", u.fault.vector);
    check_true(ring0_entries() - before >= 3, "int 0x80 with events masked goes through ring 0");
    check(1, "events are masked inside", event_mask());
    set_handler(syscall_entry, 3);
    u = run_user(one_call);
    check(1, "the direct gate again", u.result);
}

}  // namespace

void test_main()
{
    no_ring0();
    slow_handler();
    no_handler();
    success();
}
