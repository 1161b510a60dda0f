// SPDX-License-Identifier: MIT
// Sixty domains with two vCPUs each, more than there are windows for descriptor tables: every vCPU has a GDT and an LDT of its own, and finds its
// own segments in them whenever it comes back. And what the hypervisor keeps for a domain that has ports, grants and mappings is at
// most 20 KiB.
#include "grants.hpp"
#include "mmu.hpp"

char const title[] = "many domains";

namespace {

using namespace domu;

constexpr unsigned domains = 60;
DOM0_ONLY Child many[domains];
domid_t own_id;

// A segment whose first word is this vCPU's: in a GDT and an LDT made of the spare pages from `page` on.
void run_with_tables(unsigned page, unsigned vcpu)
{
    auto *gdt = static_cast<std::uint64_t *>(Child::spare_address(page));
    auto *ldt = static_cast<std::uint64_t *>(Child::spare_address(page + 1));
    std::uint32_t words[2] = {0x1000u + own_id * 2u + vcpu, 0x2000u + own_id * 2u + vcpu};
    for (unsigned i = 0; i < 512; ++i)
        gdt[i] = ldt[i] = 0;
    gdt[1] = descriptor(word(&words[0]), 3, 0xb2, 4);
    ldt[1] = descriptor(word(&words[1]), 3, 0xb2, 4);
    install_gdt(gdt, 512);
    remap(ldt, pte_of(ldt, 1));
    check(0, "LDT", mmu::extended(MMUEXT_SET_LDT, ldt, 512));
    for (unsigned i = 0; i < 20; ++i) {
        std::uint32_t by_gdt, by_ldt;
        asm volatile("mov %2, %%fs\n\tmov %3, %%gs\n\tmov %%fs:0, %0\n\tmov %%gs:0, %1"
                     : "=&r"(by_gdt), "=&r"(by_ldt)
                     : "r"(1 << 3 | 1), "r"(1 << 3 | 4 | 1)
                     : "memory");
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
        std::uint32_t again;
        asm volatile("mov %%gs:0, %0" : "=r"(again)::"memory");
        if (by_gdt != words[0] || by_ldt != words[1] || again != words[1])
            return failure("domain %u vCPU %u found %x %x %x", own_id, vcpu, by_gdt, by_ldt, again);
    }
    mailbox.word[vcpu] = 1;
}

void second()
{
    run_with_tables(4, 1);
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
}

void first()
{
    for (unsigned i = 0; i < 100; ++i) {
        evtchn_bind_ipi ipi{0, 0};
        check(0, "ports", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    }
    auto *own = grants::own_table(Child::spare_address(6));
    grants::grant(own, 8, own_id, mfn_of(Child::spare_address(7)));
    check(GNTST_okay, "maps", grants::map(own_id, 8, Child::spare_address(7)).status);
    run_with_tables(2, 0);
    while (!mailbox.word[1])
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
    success();
}

void start_two(Child &c)
{
    create(c, 2);
    own_id = c.id;
    load(c, first);
    pin(c);
    check(0, "its first vCPU", set_context(c, context(c)));
    auto other = context(c);
    other.user_regs.eip = word(second);
    other.user_regs.esp = other.kernel_sp = word(Child::spare_address(1));
    other.trap_ctxt[14] = {14, 0, FLAT_KERNEL_CS, word(trap_entries[14])};
    check(0, "its second", set_context(c, other, 1));
    start(c);
}

void all_at_once()
{
    std::uint64_t before = free_pages();
    for (Child &c : many)
        start_two(c);
    for (Child &c : many) {
        wait_end(c);
        collect(c);
    }
    for (Child &c : many)
        destroy(c);
    check(static_cast<std::int64_t>(before), "all frames are back", static_cast<std::int64_t>(free_pages()));
}

void one_vcpu()
{
    for (unsigned i = 0; i < 100; ++i) {
        evtchn_bind_ipi ipi{0, 0};
        check(0, "ports", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    }
    auto *own = grants::own_table(Child::spare_address(6));
    for (unsigned i = 8; i < 40; ++i) {
        grants::grant(own, i, own_id, mfn_of(Child::spare_address(7)));
        check(GNTST_okay, "maps", grants::map(own_id, i, Child::spare_address(7)).status);
    }
    success();
}

void state()
{
    for (unsigned i = 0; i < 8; ++i) {
        create(many[i]);
        own_id = many[i].id;
        load(many[i], one_vcpu);
        pin(many[i]);
        check(0, "setvcpucontext", set_context(many[i], context(many[i])));
        start(many[i]);
        wait_end(many[i]);
        collect(many[i]);
    }
    check(8, "domains", static_cast<std::int64_t>(counter("unprivileged domains")));
    auto each = static_cast<unsigned>(counter("state bytes of unprivileged domains") / 8);
    print("the hypervisor keeps %u bytes for each\n", each);
    check_true(each > 8192 && each <= 20480, "at most 20 KiB");
    for (unsigned i = 0; i < 8; ++i)
        destroy(many[i]);
    check(0, "and none of dead ones", static_cast<std::int64_t>(counter("state bytes of unprivileged domains")));
}

}  // namespace

void test_main()
{
    give_memory_back();
    all_at_once();
    state();
    success();
}
