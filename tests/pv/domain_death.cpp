// SPDX-License-Identifier: MIT
// A domain is destroyed in every state that it can be in, and each time all its frames and all of the hypervisor's memory for it are back:
// half built, paused, spinning with events masked, asleep, crashed in every way, with page tables half made, with ports, timers, descriptor tables and a
// moved vcpu_info; and while domain 0 still maps its memory.
#include "grants.hpp"
#include <lib/x86/registers.hpp>

char const title[] = "destroy domains in every state";

namespace {

using namespace domu;

alignas(4096) std::uint32_t volatile window[1024], second[1024];
evtchn_port_t exception_port;

struct Balance {
    std::uint64_t frames = free_pages();
    std::uint64_t heap = counter("hypervisor heap bytes");
    ~Balance()
    {
        check(static_cast<std::int64_t>(frames), "free frames afterwards", static_cast<std::int64_t>(free_pages()));
        check(static_cast<std::int64_t>(heap), "the hypervisor's heap afterwards",
              static_cast<std::int64_t>(counter("hypervisor heap bytes")));
    }
};

bool exception_pending() { return shared.evtchn_pending[exception_port / 32] >> exception_port % 32 & 1; }
void clear_exception() { shared.evtchn_pending[exception_port / 32] &= ~(1u << exception_port % 32); }

void half_built()
{
    Balance balance;
    Child c;
    xen_domctl op{};
    op.u.createdomain = ordinary();
    check(0, "only created", domctl(XEN_DOMCTL_createdomain, 0, op));
    clear_exception();
    check(0, "destroyed", domctl(XEN_DOMCTL_destroydomain, op.domain));
    check_true(exception_pending(), "domain 0 is told");
    create(c);
    destroy(c);
    create(c, 4);
    load(c, [] {});
    destroy(c);
    create(c);
    load(c, [] {});
    pin(c);
    destroy(c);
    build(c, [] {});
    destroy(c);
}

// --- what children do until they are destroyed ----------------------------------------------------------------------------------

[[noreturn]] void spin()
{
    mailbox.word[0] = 1;
    for (;;)
        mailbox.word[1] = mailbox.word[1] + 1;
}
void spin_masked()
{
    event_mask() = 1;
    spin();
}
void spin_in_hypercalls()
{
    mailbox.word[0] = 1;
    for (;;)
        hypercall(__HYPERVISOR_xen_version, XENVER_version);
}
void sleep_for_ever()
{
    mailbox.word[0] = 1;
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_block);
}
void poll_for_ever()
{
    evtchn_port_t port = 5;
    sched_poll op{};
    op.ports = &port;
    op.nr_ports = 1;
    mailbox.word[0] = 1;
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &op);
}

// Holds as much as a domain can hold.
void hold_everything()
{
    vcpu_set_periodic_timer timer{ms};
    check(0, "timer", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &timer));
    evtchn_alloc_unbound port{DOMID_SELF, 0, 0};
    check(0, "a port for domain 0", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &port));
    for (unsigned i = 0; i < 300; ++i) {
        evtchn_bind_ipi ipi{0, 0};
        check(0, "more ports", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    }
    vcpu_register_vcpu_info moved{mfn_of(Child::spare_address(0)), 64, 0};
    check(0, "moves vcpu_info", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, &moved));
    auto *gdt = static_cast<std::uint64_t *>(Child::spare_address(1));
    for (unsigned i = 0; i < 512; ++i)
        gdt[i] = 0;
    install_gdt(gdt, 512);
    auto *ldt = static_cast<std::uint64_t *>(Child::spare_address(2));
    for (unsigned i = 0; i < 512; ++i)
        ldt[i] = i == 1 ? descriptor(0, 0xfffff, 0xb2, 12) : 0;
    remap(ldt, pte_of(ldt, 1));
    check(0, "LDT", mmu::extended(MMUEXT_SET_LDT, ldt, 512));
    asm volatile("mov %0, %%gs" ::"r"(1 << 3 | 4 | 1));
    grant_entry_v1 volatile *table = grants::own_table(Child::spare_address(3));
    grants::grant(table, 1, 0, mfn_of(Child::spare_address(4)));
    asm volatile("fninit\n\tfld1");
    mailbox.word[2] = port.port;
    mailbox.word[0] = 1;
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_block);
}

void destroy_running(void (*what)(), char const *name)
{
    Balance balance;
    Child c;
    build_and_start(c, what, 2);
    if (!wait_until([&c] { return c.box->word[0] == 1; }))
        failure("%s: does not come so far", name);
    sleep_ms(2);
    collect(c);
    destroy(c);
}

void with_a_channel()
{
    Balance balance;
    Child c;
    build_and_start(c, hold_everything);
    check_true(wait_until([&c] { return c.box->word[0] == 1; }), "comes so far");
    collect(c);
    evtchn_bind_interdomain bind{c.id, c.box->word[2], 0};
    check(0, "joins its port", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind));
    auto m = grants::map(c.id, 1, second);
    check(GNTST_okay, "maps its grant", m.status);
    destroy(c);
    evtchn_status status{};
    status.dom = DOMID_SELF;
    status.port = bind.local_port;
    check(0, "status", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status));
    check(EVTCHNSTAT_unbound, "our end has no peer now", status.status);
    evtchn_send send{bind.local_port};
    check(0, "sends to nobody", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send));
    evtchn_close close{bind.local_port};
    check(0, "closes it", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &close));
    check(GNTST_okay, "unmaps its grant", grants::unmap(m.handle, second));
}

// --- ends that children bring upon themselves -------------------------------------------------------------------------------------

void triple_fault()
{
    hypercall(__HYPERVISOR_set_trap_table, 0);
    asm volatile("ud2");
}
void lose_the_stack() { asm volatile("mov $0xfd000000, %%esp\n\tud2" ::: "memory"); }
void lose_the_root()
{
    event_mask() = 1;
    mmu::update(mmu::slot(mmu::root(), 3), 0);  // refused; without its code it could not go on
    for (unsigned i = 0; i < 512; ++i)
        mmu::update(mmu::slot(mmu::l2_of(&mailbox), i), 0);
    for (;;) {}
}
void scribble_on_shared_info()
{
    auto *bytes = reinterpret_cast<std::uint8_t volatile *>(&shared);
    for (unsigned round = 0; round < 50; ++round) {
        for (unsigned i = 0; i < 4096; ++i)
            bytes[i] = static_cast<std::uint8_t>(round & 1 ? 0xff : i * 7 + round);
        event_mask() = 1;
        evtchn_bind_ipi ipi{0, 0};
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi);
        evtchn_send send{ipi.port};
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
        evtchn_unmask unmask{ipi.port};
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, &unmask);
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
    }
}
// Pins a table of its own and leaves it pinned; another is used by nobody but itself.
void leave_tables()
{
    using namespace mmu;
    for (unsigned i = 0; i < 4; ++i) {
        void *page = Child::spare_address(i);
        remap(page, pte_of(page, 1));
    }
    std::uint32_t l1 = mfn_of(Child::spare_address(0)), l2 = mfn_of(Child::spare_address(1));
    check(0, "pins an L1", extended(MMUEXT_PIN_L1_TABLE, l1));
    check(0, "pins an L2", extended(MMUEXT_PIN_L2_TABLE, l2));
    check(0, "one in the other", update(slot(l2, 7), entry(l1, P | RW)));
    check(0, "a page in it", update(slot(l1, 9), entry(mfn_of(Child::spare_address(5)), P | RW)));
    success();
}
void give_everything_away()
{
    std::uint32_t list[512];
    unsigned n = 0;
    auto p2m = reinterpret_cast<std::uint32_t const *>(static_cast<std::uintptr_t>(info->mfn_list));
    for (unsigned pfn = 256; pfn < info->nr_pages; ++pfn)
        list[n++] = p2m[pfn];
    xen_memory_reservation r{};
    r.extent_start = list;
    r.nr_extents = n;
    r.domid = DOMID_SELF;
    check(n, "gives up all of its memory", hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r));
    success();
}

void ends(void (*what)(), unsigned reason, char const *name)
{
    Balance balance;
    Child c;
    build(c, what);
    clear_exception();
    start(c);
    wait_end(c);
    check_true(exception_pending(), "domain 0 is told of the end");
    if (shutdown_reason(c.id) != reason)
        failure("%s: ends for reason %u", name, shutdown_reason(c.id));
    collect(c);
    destroy(c);
}

// --- memory that domain 0 keeps mapped --------------------------------------------------------------------------------------------

void mapped_by_us()
{
    Balance balance;
    Child c;
    build(c, spin);
    std::uint64_t before = free_pages();
    map_foreign(window, c.id, c.spare(0));
    map_foreign(second, c.id, static_cast<std::uint32_t>(info_of(c.id).shared_info_frame));
    std::uint32_t shared_frame = static_cast<std::uint32_t>(info_of(c.id).shared_info_frame);
    domid_t id = c.id;
    window[3] = 0x3333;
    destroy(c);
    check(static_cast<std::int64_t>(before + c.pages) - 1, "all but one are free",
          static_cast<std::int64_t>(free_pages()));
    check(0x3333, "we still have what we map", window[3]);
    xen_domctl op{};
    op.u.createdomain = ordinary();
    check(0, "a new domain of the same id", domctl(XEN_DOMCTL_createdomain, id, op));
    mmu::refused("the old domain's page as the new one's", try_map_foreign(window, id, c.spare(0)));
    mmu::refused("its shared page as the new one's", try_map_foreign(second, id, shared_frame));
    check(0, "destroys it", domctl(XEN_DOMCTL_destroydomain, id));
    check(0x3333, "we still have it", window[3]);
    unmap(window);
    unmap(second);
}

// Large enough to be interrupted on its way: a timer is always due.
void large_one()
{
    Balance balance;
    Child c;
    create(c);
    load(c, spin);
    pin(c);
    xen_domctl op{};
    op.u.max_mem.max_memkb = 64 << 10;
    check(0, "max_mem", domctl(XEN_DOMCTL_max_mem, c.id, op));
    static std::uint32_t frames[32];
    for (unsigned i = 0; i < 32; ++i)
        frames[i] = 0x10000 + 128 * i;
    xen_memory_reservation r{};
    r.extent_start = frames;
    r.nr_extents = 32;
    r.extent_order = 7;
    r.domid = c.id;
    check(32, "sixteen megabytes", hypercall(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r));
    vcpu_set_periodic_timer timer{ms};
    check(0, "timer", hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, &timer));
    destroy(c);
    hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0);
}

}  // namespace

void test_main()
{
    give_memory_back();
    evtchn_bind_virq virq{VIRQ_DOM_EXC, 0, 0};
    check(0, "bind_virq", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &virq));
    exception_port = virq.port;
    check(GNTST_bad_gntref, "domain 0's list of mappings is made for good", grants::map(0, 0, window).status);
    half_built();
    half_built();
    destroy_running(spin, "spins");
    destroy_running(spin_masked, "spins with events masked");
    destroy_running(spin_in_hypercalls, "spins in hypercalls");
    destroy_running(sleep_for_ever, "sleeps");
    destroy_running(poll_for_ever, "polls");
    destroy_running(hold_everything, "holds everything");
    with_a_channel();
    ends([] { success(); }, SHUTDOWN_poweroff, "comes to its end");
    ends(triple_fault, SHUTDOWN_crash, "has no handler");
    ends(lose_the_stack, SHUTDOWN_crash, "has no stack");
    ends(lose_the_root, SHUTDOWN_crash, "has no memory");
    ends(scribble_on_shared_info, SHUTDOWN_poweroff, "scribbles on shared_info");
    ends(leave_tables, SHUTDOWN_poweroff, "leaves tables");
    ends(give_everything_away, SHUTDOWN_poweroff, "gives everything away");
    mapped_by_us();
    large_one();
    success();
}
