// SPDX-License-Identifier: MIT
// The hypervisor's pages are supervisor pages, and ring 1 is a supervisor: only segment limits keep a guest kernel out. This
// one tries to read, write and execute in the hole at the top of the address space, through every segment register, with
// every descriptor that it gets into its tables and every selector that is there already. Each try must end in a
// general protection (or stack) fault: not in a page fault, which would mean that the limit let it through.
#include "guest.hpp"

char const title[] = "ring 1 tries to reach the hypervisor";

namespace {

alignas(4096) std::uint64_t gdt[512];
alignas(4096) std::uint64_t ldt[512];

constexpr std::uint32_t hole[] = {0xfc000000, 0xfc400000, 0xfe000000, 0xfe001000, 0xff00e000,
                                  0xff00e008, 0xffbfffff, 0xfffffffc, 0xffffffff};
constexpr unsigned slot = 20, ldt_slot = 21;
constexpr unsigned gdt_selector = slot << 3 | 1, ldt_selector = ldt_slot << 3 | 5;

unsigned tries;

struct Try {
    unsigned selector;
    std::uint32_t offset;
};

enum class Loaded { no, yes };
Loaded volatile loaded;

#define ACCESS(name, segment)                                                   \
    void read_##name(Try t)                                                     \
    {                                                                           \
        asm volatile("mov %0, %%" segment ::"r"(t.selector));                   \
        loaded = Loaded::yes;                                                   \
        asm volatile("movb %%" segment ":(%0), %%al" ::"r"(t.offset) : "eax");  \
    }                                                                           \
    void write_##name(Try t)                                                    \
    {                                                                           \
        asm volatile("mov %0, %%" segment ::"r"(t.selector));                   \
        loaded = Loaded::yes;                                                   \
        asm volatile("movb $0, %%" segment ":(%0)" ::"r"(t.offset) : "memory"); \
    }
ACCESS(fs, "fs")
ACCESS(gs, "gs")

// The compiler's own accesses use ds, es and ss: one asm statement each, which marks itself in %ss or flat memory first.
void read_ds(Try t)
{
    loaded = Loaded::yes;
    asm volatile("mov %0, %%ds\n\tmovb %%ds:(%1), %%al\n\tmov %2, %%ds" ::"r"(t.selector), "r"(t.offset),
                 "r"(FLAT_KERNEL_DS)
                 : "eax");
}
void write_ds(Try t)
{
    loaded = Loaded::yes;
    asm volatile("mov %0, %%ds\n\tmovb $0, %%ds:(%1)\n\tmov %2, %%ds" ::"r"(t.selector), "r"(t.offset), "r"(FLAT_KERNEL_DS)
                 : "memory");
}
void read_es(Try t)
{
    loaded = Loaded::yes;
    asm volatile("mov %0, %%es\n\tmovb %%es:(%1), %%al\n\tmov %2, %%es" ::"r"(t.selector), "r"(t.offset),
                 "r"(FLAT_KERNEL_DS)
                 : "eax");
}
void write_es(Try t)
{
    loaded = Loaded::yes;
    asm volatile("mov %0, %%es\n\tmovb $0, %%es:(%1)\n\tmov %2, %%es" ::"r"(t.selector), "r"(t.offset), "r"(FLAT_KERNEL_DS)
                 : "memory");
}
void write_es_string(Try t)
{
    loaded = Loaded::yes;
    asm volatile("mov %0, %%es\n\tstosb\n\tmov %1, %%es" ::"r"(t.selector), "r"(FLAT_KERNEL_DS), "D"(t.offset), "a"(0)
                 : "memory");
}
// Only for segments of base 0 that grow up: a fault's frame goes where ss:esp says.
void read_ss(Try t)
{
    loaded = Loaded::yes;
    asm volatile("mov %0, %%ss\n\tmovb %%ss:(%1), %%al\n\tmov %2, %%ss" ::"r"(t.selector), "r"(t.offset),
                 "r"(FLAT_KERNEL_DS)
                 : "eax");
}
void execute(Try t)
{
    loaded = Loaded::yes;
    struct {
        std::uint32_t offset;
        std::uint16_t selector;
    } far{t.offset, static_cast<std::uint16_t>(t.selector)};
    asm volatile("ljmp *%0" ::"m"(far));
}
void return_to(Try t)
{
    loaded = Loaded::yes;
    asm volatile("push %0\n\tpush %1\n\tlret" ::"r"(t.selector), "r"(t.offset) : "memory");
}

void attempt(char const *how, void (*f)(Try), Try t, std::uint32_t address)
{
    ++tries;
    Fault fault = faults([f, t] { f(t); });
    if (fault.vector != 13 && fault.vector != 12 && fault.vector != 11)
        failure("%s of %08x by selector %04x offset %08x: fault %d (cr2 %08x)", how, address, t.selector, t.offset,
                fault.vector, fault.cr2);
}

void through_all_registers(unsigned selector, std::uint32_t base, bool as_stack)
{
    for (std::uint32_t address : hole) {
        Try t{selector, address - base};
        attempt("fs read", read_fs, t, address);
        attempt("fs write", write_fs, t, address);
        attempt("gs read", read_gs, t, address);
        attempt("gs write", write_gs, t, address);
        attempt("ds read", read_ds, t, address);
        attempt("ds write", write_ds, t, address);
        attempt("es read", read_es, t, address);
        attempt("es write", write_es, t, address);
        attempt("es stos", write_es_string, t, address);
        if (as_stack)
            attempt("ss read", read_ss, t, address);
        attempt("jump", execute, t, address);
        attempt("return", return_to, t, address);
    }
}

// Every type of code and data segment, every DPL, long and short, from many bases: what update_descriptor takes.
void own_descriptors()
{
    unsigned taken = 0;
    for (std::uint32_t base :
         {0u, 0x1000u, 0xb7f1a840u, 0xf5800000u, 0xfbfff000u, 0xfbfffffeu, 0xfc000000u, 0xfe000000u, 0xffffffffu})
        for (unsigned type = 0; type < 16; ++type)
            for (unsigned dpl : {0u, 1u, 3u})
                for (unsigned flags : {4u, 12u}) {
                    std::uint64_t d = descriptor(base, 0xfffff, 0x90 | dpl << 5 | type, flags);
                    if (set_descriptor(&gdt[slot], d))
                        continue;
                    ++taken;
                    through_all_registers(gdt_selector, base, base == 0 && flags == 12 && (type & 14) == 2);
                }
    print("%u kinds of descriptors taken\n", taken);
}

void local_descriptors()
{
    for (std::uint32_t base : {0u, 0xb7f1a840u, 0xf5800000u}) {
        check(0, "a descriptor of the LDT", set_descriptor(&ldt[ldt_slot], descriptor(base, 0xfffff, 0xf2, 12)));
        through_all_registers(ldt_selector, base, false);
        check(0, "a code descriptor of the LDT", set_descriptor(&ldt[ldt_slot], descriptor(base, 0xfffff, 0xba, 12)));
        through_all_registers(ldt_selector, base, false);
    }
}

void selectors_that_are_there()
{
    for (unsigned selector = 0xe000; selector < 0x10000; selector += 4)
        if (selector < 0xe070 || selector > 0xeff0 || selector % 256 == 0)
            for (unsigned rpl = 0; rpl < 4; ++rpl)
                through_all_registers(selector | rpl, 0, true);
}

// A segment may end close to the hole, but the last bytes of an access may not lie in it.
void across_the_edge()
{
    check(0, "a segment to the edge", set_descriptor(&gdt[slot], descriptor(0, 0xfbfff, 0xb2, 12)));
    for (std::uint32_t offset : {0xfbfffffdu, 0xfbfffffeu, 0xfbffffffu}) {
        Fault f = faults([offset] {
            asm volatile("mov %0, %%fs\n\tmovl %%fs:(%1), %%eax" ::"r"(gdt_selector), "r"(offset) : "eax");
        });
        check_fault(13, "four bytes across the edge", f);
    }
}

}  // namespace

void test_main()
{
    if (!limits_enforced())
        skip("this machine does not check segment limits");
    install_gdt(gdt, 512);
    ldt[0] = 0;
    remap(ldt, pte_of(ldt, 1));
    mmuext_op op{};
    op.cmd = MMUEXT_SET_LDT;
    op.arg1.linear_addr = word(ldt);
    op.arg2.nr_ents = 512;
    check(0, "set_ldt", hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF));
    own_descriptors();
    local_descriptors();
    selectors_that_are_there();
    across_the_edge();
    print("%u tries\n", tries);
    success();
}
