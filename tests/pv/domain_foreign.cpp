// SPDX-License-Identifier: MIT
// Domain 0 maps, reads and writes other domains' frames, their page tables only for reading, and changes those by validated calls. It cannot
// make another's frame writable that is a table, nor a table of a frame that it maps writable; nobody but domain 0 maps, names or
// changes anything of another domain.
#include "domu.hpp"
#include "mmu.hpp"

char const title[] = "foreign mappings";

namespace {

using namespace domu;
using mmu::refused;

alignas(4096) std::uint32_t volatile window[1024], second[1024];
Child other;
std::uint32_t victim, victim_root;  // frames of the other domain, for the hostile child
domid_t victim_id;

void by_domain_0()
{
    map_foreign(window, other.id, other.spare(0));
    window[0] = 0x1111;
    map_foreign(second, other.id, other.spare(0), 1);
    check(0x1111, "a second mapping shows the same", second[0]);
    check_true(mmu::writes_fault(second), "read-only is read-only");
    check_true(try_map_foreign(second, other.id, other.table(l1_0)) < 0, "a page table of another's, writable");
    check_true(try_map_foreign(second, other.id, other.table(l3)) < 0, "its root, writable");
    check(0, "its page table, read-only", try_map_foreign(second, other.id, other.table(l1_0), 1));
    check_true(try_map_foreign(second, other.id, mfn_of(window)) < 0, "our own frame as another's");
    check_true(try_map_foreign(second, other.id, 0x100) < 0, "the hypervisor's frame as another's");
    check_true(try_map_foreign(second, other.id, 0xffffff) < 0, "no frame");
    check_true(try_map_foreign(second, 99, other.spare(0)) < 0, "of no domain");
    check_true(try_map_foreign(second, other.id, other.spare(0), 1 | 16) < 0, "uncached memory");
    refused("another's frame as our own", mmu::map(second, mmu::entry(other.spare(0), mmu::P)));
    refused("another's frame as a table of ours",
            mmu::update(mmu::l2_slot(second), mmu::entry(other.table(l1_0), mmu::P | mmu::RW)));
    refused("another's root as ours", mmu::extended(MMUEXT_NEW_BASEPTR, other.table(l3)));
    refused("another's root as ours, by its name", mmu::extended(MMUEXT_NEW_BASEPTR, other.table(l3), 0, other.id));
    refused("a frame that we map writable as a table of another's",
            mmu::extended(MMUEXT_PIN_L1_TABLE, other.spare(0), 0, other.id));
    check(0, "its shared page",
          try_map_foreign(second, other.id, static_cast<std::uint32_t>(info_of(other.id).shared_info_frame)));
    check(1, "events of a new vCPU are masked",
          reinterpret_cast<shared_info volatile *>(second)->vcpu_info[0].evtchn_upcall_mask);
    unmap(second);
    unmap(window);
}

void tables_of_another()
{
    using namespace mmu;
    std::uint32_t whose = (other.id + 1u) << 16 | other.id;
    std::uint64_t at = slot(other.table(l1_0), 500);
    check(0, "an entry of another's table for another's frame", update(at, entry(other.spare(1), P | RW), whose));
    map_foreign(window, other.id, other.table(l1_0), 1);
    auto *entries = reinterpret_cast<std::uint64_t volatile *>(window);
    check(other.spare(1), "it is there", frame(entries[500]));
    refused("an entry of another's table for a table of its, writable",
            update(at, entry(other.table(l3), P | RW), whose));
    refused("an entry of another's table for our frame", update(at, entry(mfn_of(window), P), whose));
    check(0, "away with it", update(at, 0, whose));
    check(0, "the entry is empty", static_cast<std::int64_t>(entries[500]));
    unmap(window);
    xen_domctl op{};
    op.u.max_mem.max_memkb = ~0ull;
    check(0, "no limit on its memory", domctl(XEN_DOMCTL_max_mem, other.id, op));
    check(0xffffffff, "as far as it goes", static_cast<std::int64_t>(info_of(other.id).max_pages));
    std::uint32_t unmapped = 0;
    xen_memory_reservation r{};
    r.extent_start = &unmapped;
    r.nr_extents = 1;
    r.domid = other.id;
    check(1, "one page more for it", hypercall(__HYPERVISOR_memory_op, XENMEM_increase_reservation, &r));
    check(0, "pins a table for another", extended(MMUEXT_PIN_L1_TABLE, unmapped, 0, other.id));
    check_true(try_map_foreign(window, other.id, unmapped) < 0, "which then is not writable");
    check(0, "unpins it", extended(MMUEXT_UNPIN_TABLE, unmapped, 0, other.id));
    check(0, "which then is writable", try_map_foreign(window, other.id, unmapped));
    check(0, "clears it", extended(MMUEXT_CLEAR_PAGE, other.spare(3), 0, other.id));
    unmap(window);
}

void page_kinds()
{
    xen_pfn_t list[] = {
        other.table(l1_0), other.table(l2_3), other.table(l3), other.spare(0), mfn_of(window), 0x100, ~0u};
    xen_domctl op{};
    op.u.getpageframeinfo3.num = 7;
    set_xen_guest_handle_64(op.u.getpageframeinfo3.array, list);
    check(0, "getpageframeinfo3", domctl(XEN_DOMCTL_getpageframeinfo3, other.id, op));
    std::uint32_t wanted[] = {XEN_DOMCTL_PFINFO_L1TAB,
                              XEN_DOMCTL_PFINFO_L2TAB,
                              XEN_DOMCTL_PFINFO_L3TAB | XEN_DOMCTL_PFINFO_LPINTAB,
                              0,
                              XEN_DOMCTL_PFINFO_XTAB,
                              XEN_DOMCTL_PFINFO_XTAB,
                              XEN_DOMCTL_PFINFO_XTAB};
    for (unsigned i = 0; i < 7; ++i)
        check(wanted[i], "kind of page", list[i]);
    op.u.getpageframeinfo3.num = 1025;
    check(-XEN_E2BIG, "too many at once", domctl(XEN_DOMCTL_getpageframeinfo3, other.id, op));
}

// What domain 0 may, nobody else may.
void hostile_child()
{
    using namespace mmu;
    void *page = Child::spare_address(0);
    for (domid_t whose : {domid_t{0}, victim_id}) {
        check(-XEN_EPERM, "maps another's frame", try_map_foreign(page, whose, victim, 1));
        check(-XEN_EPERM, "pins another's table", extended(MMUEXT_PIN_L3_TABLE, victim_root, 0, whose));
        check(-XEN_EPERM, "unpins another's table", extended(MMUEXT_UNPIN_TABLE, victim_root, 0, whose));
        check(-XEN_EPERM, "writes an entry of another's table",
              update(slot(victim_root, 0), 0, (whose + 1u) << 16 | DOMID_SELF));
        check(-XEN_EPERM, "an entry for another's frame", update(l1_slot(page), entry(victim, P), whose));
        check(-XEN_EPERM, "clears another's page", extended(MMUEXT_CLEAR_PAGE, victim, 0, whose));
        xen_memory_reservation r{};
        std::uint32_t frame = victim;
        r.extent_start = &frame;
        r.nr_extents = 1;
        r.domid = whose;
        check(-XEN_EPERM, "takes another's memory", hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r));
        check(-XEN_EPERM, "asks how much it has", hypercall(__HYPERVISOR_memory_op, XENMEM_current_reservation, &whose));
        evtchn_reset reset{whose};
        check(-XEN_EPERM, "closes another's ports", hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_reset, &reset));
        evtchn_alloc_unbound port{whose, DOMID_SELF, 0};
        check(-XEN_EPERM, "opens a port of another's",
              hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &port));
        sched_remote_shutdown end{whose, SHUTDOWN_crash};
        check(-XEN_EPERM, "ends another", hypercall(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &end));
    }
    refused("maps another's frame as its own", map(page, entry(victim, P)));
    refused("maps a device", map(page, entry(0xfee00, P | RW)));
    check(-XEN_EPERM, "maps device memory", try_map_foreign(page, DOMID_IO, 0xb8000 >> 12));
    refused("another's root", extended(MMUEXT_NEW_BASEPTR, victim_root));
    refused("another's frame as a descriptor table", hypercall(__HYPERVISOR_set_gdt, &victim, 512));
    check(-XEN_EPERM, "the console", hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 1, &mailbox));
    check(-XEN_EPERM, "machine_memory_map", hypercall(__HYPERVISOR_memory_op, XENMEM_machine_memory_map, &mailbox));
    std::uint32_t frame = 0;
    xen_memory_reservation more{};
    more.extent_start = &frame;
    more.nr_extents = 1;
    more.domid = DOMID_SELF;
    check(0, "more memory than it may have", hypercall(__HYPERVISOR_memory_op, XENMEM_increase_reservation, &more));
    success();
}

}  // namespace

void test_main()
{
    give_memory_back();
    build(other, [] {});
    by_domain_0();
    tables_of_another();
    page_kinds();
    victim = other.spare(0);
    victim_root = other.table(l3);
    victim_id = other.id;
    run(hostile_child);
    destroy(other);
    success();
}
