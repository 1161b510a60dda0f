// SPDX-License-Identifier: MIT
// Exceptions of both rings arrive in ring 1 with the frame that the ABI promises: vector by vector, error code, cr2 in
// vcpu_info, the saved event mask beside cs, IF as the mask's mirror. And set_trap_table takes no selector by which a
// guest could be entered anywhere but in ring 1.
#include "guest.hpp"

char const title[] = "exceptions reach the guest kernel";

namespace {

USER_TEXT void user_divide()
{
    asm volatile("xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tdiv %%ecx" ::: "eax", "ecx", "edx");
}
USER_TEXT void user_undefined() { asm volatile("ud2"); }
USER_TEXT void user_breakpoint() { asm volatile("int3"); }
USER_TEXT void user_halt() { asm volatile("hlt"); }
USER_TEXT void user_cli() { asm volatile("cli"); }
USER_TEXT void user_kernel_read() { asm volatile("mov 0xc0100000, %%eax" ::: "eax"); }
USER_TEXT void user_hypercall() { asm volatile("mov $17, %%eax\n\txor %%ebx, %%ebx\n\tint $0x82" ::: "eax", "ebx"); }
USER_TEXT void user_hypervisor_read() { asm volatile("mov 0xfe000000, %%eax" ::: "eax"); }
USER_TEXT void user_m2p_read() { asm volatile("mov 0xf5800000, %%eax" ::: "eax"); }
USER_TEXT void user_int_20() { asm volatile("int $0x20"); }

void kernel_faults()
{
    check_fault(0, "div by zero", faults([] {
                    asm volatile("xor %%edx, %%edx\n\txor %%ecx, %%ecx\n\tdiv %%ecx" ::: "eax", "ecx", "edx");
                }));
    check_fault(3, "int3", faults([] { asm volatile("int3"); }));
    check_fault(6, "ud2", faults([] { asm volatile("ud2"); }));
    check_fault(13, "hlt", faults([] { asm volatile("hlt"); }));
    check_fault(13, "lgdt", faults([] { asm volatile("lgdt 0xc0100000"); }));
    check_fault(13, "lidt", faults([] { asm volatile("lidt 0xc0100000"); }));
    check_fault(13, "ltr", faults([] { asm volatile("ltr %%ax" ::"a"(0xe040)); }));
    check_fault(13, "mov to cr3", faults([] { asm volatile("mov %0, %%cr3" ::"r"(0x1000)); }));
    check_fault(13, "mov to cr4", faults([] { asm volatile("mov %0, %%cr4" ::"r"(0)); }));
    check_fault(13, "invlpg", faults([] { asm volatile("invlpg 0xc0100000"); }));
    check_fault(13, "ring-0 data selector", faults([] { asm volatile("mov %0, %%ds" ::"r"(0xe010)); }));
    check_fault(13, "far jump to ring 0", faults([] { asm volatile("ljmp $0xe008, $0xfe000000"); }));
    check_fault(13, "far call of the TSS", faults([] { asm volatile("lcall $0xe040, $0"); }));
    check_fault(13, "far call of the double-fault task", faults([] { asm volatile("lcall $0xe050, $0"); }));
    check_fault(13, "int of a timer interrupt", faults([] { asm volatile("int $0xf0"); }));
    check_fault(13, "int of a double fault", faults([] { asm volatile("int $8"); }));
}

void page_faults()
{
    Fault f = faults([] { asm volatile("mov 0x123456, %%eax" ::: "eax"); });
    check_fault(14, "read of nothing", f);
    check(0x123456, "cr2", f.cr2);
    check(0, "its error code", f.error);
    f = faults([] { asm volatile("movl $0, 0xf5800000" ::); });
    check_fault(14, "write of the machine-to-physical table", f);
    check(3, "its error code", f.error);
    f = run_user(user_kernel_read).fault;
    check_fault(14, "ring 3 reads the kernel", f);
    check(5, "its error code", f.error);
    check(0xc0100000, "cr2", f.cr2);
}

void user_faults()
{
    check_fault(0, "ring 3: div", run_user(user_divide).fault);
    check_fault(6, "ring 3: ud2", run_user(user_undefined).fault);
    check_fault(3, "ring 3: int3", run_user(user_breakpoint).fault);
    check_fault(13, "ring 3: hlt", run_user(user_halt).fault);
    check_fault(13, "ring 3: cli", run_user(user_cli).fault);
    check_fault(13, "ring 3: hypercall", run_user(user_hypercall).fault);
    check_fault(14, "ring 3: machine-to-physical table", run_user(user_m2p_read).fault);
    Fault f = run_user(user_hypervisor_read).fault;  // the limit, or where that is not checked the page
    check_true(f.vector == 13 || f.vector == 14, "ring 3: the hypervisor");
    f = run_user(user_int_20).fault;
    check_fault(13, "ring 3: int 0x20", f);
    check(0x20 * 8 + 2, "its error code", f.error);
    check(3, "the ring in the frame's cs", f.cs & 3);
}

void frame_tells_the_mask()
{
    event_mask() = 1;
    Fault f = faults([] { asm volatile("ud2"); });
    check(1, "saved mask, events masked", f.mask);
    check(0, "IF, events masked", f.eflags >> 9 & 1);
    event_mask() = 0;
    f = faults([] { asm volatile("ud2"); });
    check(0, "saved mask, events unmasked", f.mask);
    check(1, "IF, events unmasked", f.eflags >> 9 & 1);
    f = faults([] { asm volatile("pushf\n\torl $0x4000, (%esp)\n\tpopf\n\tud2"); });  // NT
    check_fault(6, "with NT set", f);
    f = faults([] { asm volatile("pushf\n\torl $0x100, (%esp)\n\tpopf\n\tnop\n\tnop"); });  // TF
    check_fault(1, "single step", f);
    event_mask() = 1;
}

void masking_trap()
{
    static trap_info table[] = {{6, 4, FLAT_KERNEL_CS, 0}, {}};
    table[0].address = word(trap_entries[6]);
    check(0, "set_trap_table, events masked on entry", hypercall(__HYPERVISOR_set_trap_table, table));
    event_mask() = 0;
    static unsigned inside;
    on_trap = [](TrapFrame &) {
        inside = event_mask();
        return false;
    };
    faults([] { asm volatile("ud2"); });
    on_trap = nullptr;
    check(1, "mask inside a handler that asked for it", inside);
    event_mask() = 1;
}

void hostile_tables()
{
    trap_info t[] = {{6, 0, 0xe008, word(trap_entries[6])}, {}};
    check(-1, "ring-0 code selector", hypercall(__HYPERVISOR_set_trap_table, t));
    t[0].cs = 0;
    check(-1, "null selector", hypercall(__HYPERVISOR_set_trap_table, t));
    t[0].cs = 0xe040;
    check(-1, "TSS selector", hypercall(__HYPERVISOR_set_trap_table, t));
    check(-14, "table in the hypervisor", hypercall(__HYPERVISOR_set_trap_table, 0xfe000000));
    check(-14, "table at the end of the world", hypercall(__HYPERVISOR_set_trap_table, 0xfffffff8));
    check(-14, "table that is not there", hypercall(__HYPERVISOR_set_trap_table, 0x1000));
    t[0].cs = FLAT_RING1_CS & ~3;  // RPL 0: becomes 1
    check(0, "selector with RPL 0", hypercall(__HYPERVISOR_set_trap_table, t));
    Fault f = faults([] { asm volatile("ud2"); });
    check_fault(6, "ud2 through it", f);
    check(1, "it runs in ring", f.cs & 3);
    check(-22, "callbacks with ring-0 selector",
          hypercall(__HYPERVISOR_set_callbacks, 0xe008, &event_entry, FLAT_KERNEL_CS, &failsafe_entry));
    check(-22, "stack switch to the hypervisor's data", hypercall(__HYPERVISOR_stack_switch, 0xe010, kernel_stack_top));
    check(-22, "stack switch to null", hypercall(__HYPERVISOR_stack_switch, 0, kernel_stack_top));
}

}  // namespace

void test_main()
{
    kernel_faults();
    page_faults();
    user_faults();
    frame_tells_the_mask();
    masking_trap();
    hostile_tables();
    success();
}
