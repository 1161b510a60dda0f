// SPDX-License-Identifier: MIT
// The privileged instructions that the hypervisor carries out for a ring-1 kernel, and those it does not; ring 3 gets none
// of them. Ports need the virtual I/O privilege level or the bitmap; the hypervisor's own ports stay its own.
#include "guest.hpp"

char const title[] = "privileged instructions";

namespace {

struct Cpuid {
    std::uint32_t eax, ebx, ecx, edx;
};
Cpuid cpuid(std::uint32_t leaf, bool forced)
{
    Cpuid r;
    if (forced)
        asm volatile(XEN_CPUID : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    else
        asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    return r;
}

USER_TEXT void user_cpuid()
{
    std::uint32_t a = 0x40000000, b, c = 0, d;
    asm volatile(XEN_CPUID : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    user_exit(b);
}
USER_TEXT void user_in()
{
    asm volatile("inb $0x80, %%al" ::: "eax");
    user_exit(1);
}
USER_TEXT void user_in_word()
{
    asm volatile("mov $0x8f, %%edx\n\tinw %%dx, %%ax" ::: "eax", "edx");
    user_exit(1);
}
USER_TEXT void user_rdmsr() { asm volatile("rdmsr" ::"c"(0x1b) : "eax", "edx"); }
USER_TEXT void user_cr0() { asm volatile("mov %%cr0, %%eax" ::: "eax"); }
USER_TEXT void user_wbinvd() { asm volatile("wbinvd"); }

void cpuid_leaves()
{
    Cpuid r = cpuid(0x40000000, true);
    check_true(r.ebx == 0x566e6558 && r.ecx == 0x65584d4d && r.edx == 0x4d4d566e, "XenVMMXenVMM");
    check(4 << 16 | 17, "its version", cpuid(0x40000001, true).eax);
    r = cpuid(1, true);
    check(0, "VME, PSE, APIC, SEP, MTRR are hidden", r.edx & (1u << 1 | 1u << 3 | 1u << 9 | 1u << 11 | 1u << 12));
    check_true(r.edx >> 6 & 1, "PAE is shown");
    check_true(r.ecx >> 31, "a hypervisor is shown");
    check_true(cpuid(0, true).ebx == cpuid(0, false).ebx, "the vendor is the machine's");
    check(0x566e6558, "in ring 3, too", run_user(user_cpuid).result);
    check_fault(6, "the prefix alone", faults([] { asm volatile(".byte 0x0f, 0x0b, 'x', 'e', 'n', 0x90"); }));
}

std::uint64_t rdmsr(std::uint32_t n)
{
    std::uint64_t v;
    asm volatile("rdmsr" : "=A"(v) : "c"(n));
    return v;
}
void wrmsr(std::uint32_t n, std::uint64_t v) { asm volatile("wrmsr" ::"c"(n), "A"(v)); }

void msrs()
{
    check_fault(-1, "rdmsr of the platform id", faults([] { rdmsr(0x17); }));
    check_fault(13, "rdmsr of nothing", faults([] { rdmsr(0x12345); }));
    check_fault(13, "rdmsr of a debug register", faults([] { rdmsr(0x1d9); }));
    check_fault(13, "wrmsr of nothing", faults([] { wrmsr(0x12345, 0); }));
    check_fault(13, "wrmsr of EFER", faults([] { wrmsr(0xc0000080, 0); }));
    check_fault(13, "wrmsr of the APIC base", faults([] { wrmsr(0x1b, 0xfee00900); }));
    check_fault(-1, "wrmsr of sysenter's entry", faults([] { wrmsr(0x176, 0xfe000000); }));
    check(0, "which is not there afterwards", static_cast<std::int64_t>(rdmsr(0x176)));
    alignas(4096) static std::uint8_t page[4096];
    wrmsr(0x40000000, std::uint64_t{mfn_of(page)} << 12);
    check(0xb8, "the hypercall page by MSR", page[17 * 32]);
    check_fault(13, "the hypercall page over the hypervisor", faults([] { wrmsr(0x40000000, 0x100000); }));
    check_fault(13, "the hypercall page over a page table",
                faults([] { wrmsr(0x40000000, std::uint64_t{mfn_of(reinterpret_cast<void *>(info->pt_base))} << 12); }));
    check_fault(13, "ring 3: rdmsr", run_user(user_rdmsr).fault);
}

void control_registers()
{
    std::uint32_t cr0, cr3, cr4;
    asm volatile("mov %%cr0, %0\n\tmov %%cr3, %1\n\tmov %%cr4, %2" : "=r"(cr0), "=r"(cr3), "=r"(cr4));
    check(0x80010001, "PG, WP, PE", cr0 & 0x80010001);
    check(mfn_of(reinterpret_cast<void *>(info->pt_base)), "cr3", xen_cr3_to_pfn(cr3));
    check_true(cr4 >> 5 & 1, "PAE");
    check_fault(13, "paging off", faults([cr0] { asm volatile("mov %0, %%cr0" ::"r"(cr0 & ~0x80000000)); }));
    check_fault(13, "write protection off", faults([cr0] { asm volatile("mov %0, %%cr0" ::"r"(cr0 & ~0x10000)); }));
    check_fault(13, "another cr4", faults([cr4] { asm volatile("mov %0, %%cr4" ::"r"(cr4 ^ 4)); }));
    check_fault(-1, "the same cr4", faults([cr4] { asm volatile("mov %0, %%cr4" ::"r"(cr4)); }));
    asm volatile("mov %0, %%cr0" ::"r"(cr0 | 8));
    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    check(8, "TS set", cr0 & 8);
    asm volatile("clts");
    asm volatile("mov %%cr0, %0" : "=r"(cr0));
    check(0, "TS cleared", cr0 & 8);
    shared.vcpu_info[0].arch.cr2 = 0x777;
    std::uint32_t cr2;
    asm volatile("mov %%cr2, %0" : "=r"(cr2));
    check(0x777, "cr2", cr2);
    check_fault(-1, "wbinvd", faults([] { asm volatile("wbinvd"); }));
    check_fault(13, "ring 3: mov from cr0", run_user(user_cr0).fault);
    check_fault(13, "ring 3: wbinvd", run_user(user_wbinvd).fault);
}

void set_iopl(std::uint32_t level, std::int32_t expected)
{
    physdev_set_iopl op{level};
    check(expected, "set_iopl", hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &op));
}

std::uint8_t inb(std::uint16_t port)
{
    std::uint8_t v;
    asm volatile("inb %1, %0" : "=a"(v) : "d"(port));
    return v;
}

void ports()
{
    check_fault(13, "in, IOPL 0", faults([] { inb(0x70); }));
    check_fault(13, "cli, IOPL 0", faults([] { asm volatile("cli"); }));
    set_iopl(4, -22);
    set_iopl(1, 0);
    check_fault(-1, "in, IOPL 1", faults([] { inb(0x70); }));
    check_fault(-1, "cli, IOPL 1", faults([] { asm volatile("cli\n\tsti"); }));
    check(1, "cli changes no event mask", event_mask());
    Fault f = faults([] { asm volatile("ud2"); });
    check(1, "IOPL in the frame", f.eflags >> 12 & 3);
    check_fault(13, "ring 3: in, IOPL 1", run_user(user_in).fault);
    std::uint32_t eax = 0x11223344;
    asm volatile("outl %%eax, %%dx\n\tmov %2, %%dx\n\tinb %%dx, %%al" : "+a"(eax), "+d"(eax) : "i"(0x80) : "memory");
    for (int port : {0x20, 0x21, 0xa1, 0x40, 0x43, 0x3f8, 0x3fd, 0x604, 0xcf9})
        check(0xff, "a port of the hypervisor reads as ones", inb(static_cast<std::uint16_t>(port)));
    asm volatile("outw %%ax, %%dx" ::"a"(0x2000), "d"(0x604));  // would switch the machine off
    asm volatile("outb %%al, %%dx" ::"a"(6), "d"(0xcf9));       // would reset it
    asm volatile("outb %%al, $0x21" ::"a"(0xff));               // would stop its interrupts
    asm volatile("outl %%eax, %%dx" ::"a"(0x80000000), "d"(0xcf8));
    std::uint32_t id;
    asm volatile("inl %%dx, %%eax" : "=a"(id) : "d"(0xcfc));
    check_true(id != ~0u, "PCI configuration space");
    set_iopl(3, 0);
    check(1, "ring 3: in, IOPL 3", run_user(user_in).result);
    set_iopl(0, 0);
    check_fault(13, "ring 3: in, IOPL 0", run_user(user_in).fault);
}

void bitmap()
{
    static std::uint8_t bits[32];
    for (std::uint8_t &b : bits)
        b = 0xff;
    bits[0x80 / 8] = 0xfe;  // port 0x80 only
    bits[0x8f / 8] = 0x7f;  // port 0x8f, not 0x90
    physdev_set_iobitmap op{bits, 256};
    check(0, "set_iobitmap", hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &op));
    check(1, "ring 3: a port of the bitmap", run_user(user_in).result);
    check_fault(13, "ring 3: a word that only begins in it", run_user(user_in_word).fault);
    op.nr_ports = 65537;
    check(-22, "more ports than there are", hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &op));
    op = {reinterpret_cast<std::uint8_t *>(0xfe000000), 256};
    check(-22, "a bitmap in the hypervisor", hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &op));
    op = {nullptr, 0};
    check(0, "no bitmap", hypercall(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &op));
    check_fault(13, "ring 3: in", run_user(user_in).fault);
}

}  // namespace

void test_main()
{
    cpuid_leaves();
    msrs();
    control_registers();
    ports();
    bitmap();
    success();
}
