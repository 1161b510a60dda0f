// SPDX-License-Identifier: MIT
// Grants are mapped, by address, by page-table entry and for devices, used, and unmapped; the granter's entry tells all the while. What the
// granter did not grant, or has not, is not mapped; what is not mapped by a handle is not unmapped by it; and none of it changes anything
// else. The granter is a domain that never runs: domain 0 fills its table, as a toolstack does.
#include "grants.hpp"

char const title[] = "grants: map and unmap";

namespace {

using namespace grants;
using namespace domu;

alignas(4096) std::uint32_t volatile table_page[1024], first[1024], second[1024], seen[1024];
Child other;
grant_entry_v1 volatile *table;

std::uint32_t l1_bits(void const volatile *p) { return static_cast<std::uint32_t>(mmu::l1_entry(p)) & 0xfff; }

void own_tables()
{
    std::uint32_t frames[65];
    gnttab_query_size size{};
    size.dom = DOMID_SELF;
    check(0, "query_size", call(GNTTABOP_query_size, size));
    check(0, "no frames yet", size.nr_frames);
    check_true(size.max_nr_frames >= 32, "room for more");
    check(GNTST_okay, "two frames", set_up(DOMID_SELF, frames, 2));
    check_true(frames[0] != frames[1] && frames[0] != 0, "two different ones");
    std::uint32_t again = 0;
    check(GNTST_okay, "fewer than there are", set_up(DOMID_SELF, &again, 1));
    check(frames[0], "the same frame", again);
    check(GNTST_general_error, "more than can be", set_up(DOMID_SELF, frames, 65));
    check(GNTST_bad_domain, "of nobody", set_up(99, frames, 1));
    check(0, "query_size", call(GNTTABOP_query_size, size));
    check(2, "as many as were asked for", size.nr_frames);
    gnttab_setup_table op{};
    op.dom = DOMID_SELF;
    op.nr_frames = 2;
    op.frame_list = reinterpret_cast<xen_pfn_t *>(0xfe000000);
    check(-XEN_EFAULT, "a list in the hypervisor", call(GNTTABOP_setup_table, op));
    check(-XEN_EINVAL, "two tables at once", call(GNTTABOP_setup_table, op, 2));
    gnttab_get_version version{DOMID_SELF, 0, 0};
    check(0, "get_version", call(GNTTABOP_get_version, version));
    check(1, "the version", version.version);
    gnttab_set_version wanted{2};
    check(-XEN_ENOSYS, "version 2", call(GNTTABOP_set_version, wanted));
    check(1, "stays 1", wanted.version);
    for (unsigned cmd : {GNTTABOP_dump_table, GNTTABOP_transfer, 99})
        check(-XEN_ENOSYS, "not offered", call(cmd, op));
    check(-XEN_EINVAL, "a negative count", call(GNTTABOP_map_grant_ref, op, 0x80000000));
    for (unsigned cmd : {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_copy, GNTTABOP_setup_table})
        check(-XEN_EFAULT, "an argument in the hypervisor", hypercall(__HYPERVISOR_grant_table_op, cmd, 0xfe000000, 1));
    remap(seen, mmu::entry(frames[0], mmu::P));
    mmu::refused("a table of grants as a page table", mmu::extended(MMUEXT_PIN_L1_TABLE, frames[0]));
    std::uint32_t given_up = frames[0];
    xen_memory_reservation r{};
    r.extent_start = &given_up;
    r.nr_extents = 1;
    r.domid = DOMID_SELF;
    check(0, "gives a table of grants up", hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r));
}

void by_address()
{
    grant(table, 1, 0, other.spare(0));
    map_foreign(seen, other.id, other.spare(0));
    seen[5] = 0x1234;
    Mapped rw = map(other.id, 1, first);
    check(GNTST_okay, "maps", rw.status);
    check(0x1234, "reads the granter's page", first[5]);
    first[6] = 0x5678;
    check(0x5678, "writes it", seen[6]);
    check(std::int64_t{other.spare(0)} << 12, "its machine address", static_cast<std::int64_t>(rw.bus));
    check(in_use, "the entry says that it is written", table[1].flags & in_use);
    Mapped ro = map(other.id, 1, second, GNTMAP_host_map | GNTMAP_readonly);
    check(GNTST_okay, "maps again, read-only", ro.status);
    check_true(ro.handle != rw.handle, "another handle");
    check_true(mmu::writes_fault(second), "read-only it is");
    check(GNTST_okay, "unmaps the writable one", unmap(rw.handle, first));
    check_fault(14, "it is gone", faults([] { static_cast<void>(first[0]); }));
    check(GTF_reading, "the entry says that it is only read", table[1].flags & in_use);
    check(GNTST_bad_handle, "unmaps it twice", unmap(rw.handle, first));
    check(GNTST_okay, "unmaps the other", unmap(ro.handle, second));
    check(0, "the entry says that nobody uses it", table[1].flags & in_use);
    check(GNTST_bad_handle, "a handle that never was", unmap(0x7fffffff, first));
    check(GNTST_bad_handle, "a handle that cannot be", unmap(~0u, first));
}

void by_entry()
{
    grant(table, 2, 0, other.spare(1));
    constexpr unsigned flags = GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_application_map;
    std::uint64_t slot = mmu::l1_slot(first);
    Mapped m = map(other.id, 2, slot, flags | 5u << 16);
    check(GNTST_okay, "maps by entry", m.status);
    check(mmu::US, "with the user bit", l1_bits(first) & mmu::US);
    check(5, "with the guest's own bits", l1_bits(first) >> 9);
    first[0] = 77;
    map_foreign(seen, other.id, other.spare(1));
    check(77, "writes the granter's page", seen[0]);
    check(GNTST_general_error, "unmaps by another entry", unmap(m.handle, mmu::l1_slot(second)));
    check(GNTST_okay, "unmaps by entry", unmap(m.handle, slot));
    check(0, "the entry is empty", static_cast<std::int64_t>(mmu::l1_entry(first)));
    check(GNTST_general_error, "an entry between two", map(other.id, 2, slot + 4, flags).status);
    check(GNTST_general_error, "an entry of an L2", map(other.id, 2, mmu::l2_slot(first), flags).status);
    check(GNTST_general_error, "an entry of an L3", map(other.id, 2, mmu::slot(mmu::root(), 0), flags).status);
    check(GNTST_general_error, "an entry in a plain page", map(other.id, 2, mmu::slot(mfn_of(seen), 0), flags).status);
    check(GNTST_general_error, "an entry of the granter's L1",
          map(other.id, 2, mmu::slot(other.table(l1_0), 0), flags).status);
    check(GNTST_general_error, "an entry in the hypervisor", map(other.id, 2, 0x100000, flags).status);
    check(GNTST_general_error, "an entry nowhere", map(other.id, 2, 0xfffffffff000, flags).status);
    check(0, "the grant is not in use", table[2].flags & in_use);
}

void for_devices()
{
    grant(table, 3, 0, other.spare(2));
    Mapped m = map(other.id, 3, first, GNTMAP_host_map | GNTMAP_device_map);
    check(GNTST_okay, "maps for both", m.status);
    check(GNTST_general_error, "unmaps another bus address", unmap(m.handle, word(first), m.bus + 4096));
    check(GNTST_okay, "unmaps the host's half", unmap(m.handle, first));
    check(in_use, "the device's half is in use", table[3].flags & in_use);
    check(GNTST_okay, "host address and no host mapping: nothing", unmap(m.handle, second));
    check(in_use, "and nothing happened", table[3].flags & in_use);
    check(GNTST_okay, "unmaps the device's half", unmap(m.handle, 0, m.bus));
    check(0, "nobody uses it", table[3].flags & in_use);
    check(GNTST_bad_gntref, "neither for one nor the other", map(other.id, 3, first, GNTMAP_readonly).status);
    Mapped fails = map(other.id, 3, std::uint64_t{0xfe000000}, GNTMAP_host_map | GNTMAP_device_map);
    check(GNTST_general_error, "one half that fails", fails.status);
    check(0, "undoes the other", table[3].flags & in_use);
}

// Entry and handle must agree in frame and rights (XSA-234).
void wrong_entries()
{
    grant(table, 4, 0, other.spare(3));
    grant(table, 5, 0, other.spare(4));
    Mapped rw = map(other.id, 4, first), ro = map(other.id, 4, second, GNTMAP_host_map | GNTMAP_readonly);
    check(GNTST_general_error, "a writable handle by a read-only entry", unmap(rw.handle, second));
    check(GNTST_general_error, "a read-only handle by a writable entry", unmap(ro.handle, first));
    check(GNTST_general_error, "by an address that maps something else", unmap(rw.handle, table_page));
    check(GNTST_general_error, "by an address in the hypervisor", unmap(rw.handle, std::uint64_t{0xfc000000}));
    check(GNTST_general_error, "by an address above 4 GiB", unmap(rw.handle, word(first) | 1ull << 32));
    check(in_use, "all that changed nothing", table[4].flags & in_use);
    Mapped over = map(other.id, 5, first);
    check(GNTST_okay, "maps over it", over.status);
    check(GNTST_general_error, "the handle beneath has no entry now", unmap(rw.handle, first));
    check(GNTST_okay, "unmaps what lies above", unmap(over.handle, first));
    check(in_use, "the grant beneath is still in use", table[4].flags & in_use);
    map_foreign(first, other.id, other.spare(3));
    check(GNTST_okay, "an entry of the same frame does", unmap(rw.handle, first));
    check(GNTST_okay, "unmaps the last", unmap(ro.handle, second));
    check(0, "nobody uses it", table[4].flags & in_use);
}

void replace()
{
    grant(table, 6, 0, other.spare(5));
    Mapped m = map(other.id, 6, first);
    remap(second, pte_of(second, 1 | 2));
    second[9] = 0x999;
    auto replace = [&m](void const volatile *at, void const volatile *by) {
        gnttab_unmap_and_replace op{};
        op.host_addr = word(at);
        op.new_addr = word(by);
        op.handle = m.handle;
        check(0, "unmap_and_replace", call(GNTTABOP_unmap_and_replace, op));
        return op.status;
    };
    check(GNTST_general_error, "by itself", replace(first, first));
    check(GNTST_general_error, "by something in the hypervisor", replace(first, reinterpret_cast<void *>(0xfe000000)));
    check(GNTST_general_error, "something else", replace(table_page, second));
    check(0x999, "the page did not move", second[9]);
    check(GNTST_okay, "replaces", replace(first, second));
    check(0x999, "the page moved", first[9]);
    check(0, "its old place is empty", static_cast<std::int64_t>(mmu::l1_entry(second)));
    check(0, "nobody uses the grant", table[6].flags & in_use);
    remap(second, pte_of(second, 1 | 2));
    remap(first, pte_of(first, 1 | 2));
}

int try_map(unsigned flags = GNTMAP_host_map)
{
    Mapped m = map(other.id, 7, first, flags);
    if (m.status == GNTST_okay)
        check(GNTST_okay, "unmaps it again", unmap(m.handle, first));
    else
        check(0, "nothing is noted", table[7].flags & in_use);
    return m.status;
}

void what_is_not_granted()
{
    grant(table, 7, 0, other.spare(6));
    check(GNTST_okay, "a good grant", try_map());
    grant(table, 7, other.id, other.spare(6));
    check(GNTST_general_error, "for somebody else", try_map());
    grant(table, 7, 0, other.spare(6), GTF_readonly);
    check(GNTST_general_error, "read-only, for writing", try_map());
    check(GNTST_okay, "read-only, for reading", try_map(GNTMAP_host_map | GNTMAP_readonly));
    for (unsigned type : {GTF_invalid, GTF_accept_transfer, GTF_transitive, GTF_permit_access | GTF_sub_page}) {
        table[7].flags = static_cast<std::uint16_t>(type);
        check(GNTST_general_error, "an entry of another kind", try_map());
    }
    for (std::uint32_t frame : {mfn_of(seen), 0x100u, 0xfee00u, 0xb8u, 0xffffffffu, mmu::root()}) {
        grant(table, 7, 0, frame);
        check(GNTST_general_error, "a frame that is not the granter's", try_map());
    }
    grant(table, 7, 0, other.table(l1_0));
    check(GNTST_general_error, "a page table, for writing", try_map());
    check(GNTST_okay, "a page table, for reading", try_map(GNTMAP_host_map | GNTMAP_readonly));
    check(GNTST_bad_gntref, "beyond the table", map(other.id, 512, first).status);
    check(GNTST_bad_gntref, "far beyond it", map(other.id, 0xffffffff, first).status);
    for (domid_t nobody : {domid_t{99}, domid_t{DOMID_SELF}, domid_t{DOMID_IO}, domid_t{DOMID_XEN}, domid_t{0xffff}})
        check(GNTST_bad_domain, "a granter that is none", map(nobody, 7, first).status);
}

// A child's view: another's table is not its business, and it may map only what names it.
void hostile_mapper()
{
    std::uint32_t frame;
    check(GNTST_permission_denied, "sets up domain 0's table", set_up(0, &frame, 1));
    gnttab_query_size size{};
    check(0, "query_size", call(GNTTABOP_query_size, size));
    check(GNTST_permission_denied, "asks for the size of domain 0's", size.status);
    check(GNTST_general_error, "a grant for somebody else", map(0, 10, Child::spare_address(0)).status);
    Mapped m = map(0, 9, Child::spare_address(0));
    check(GNTST_okay, "its own grant", m.status);
    check(0xabc, "reads domain 0's page", *static_cast<std::uint32_t *>(Child::spare_address(0)));
    check(GNTST_okay, "unmaps", unmap(m.handle, Child::spare_address(0)));
    xen_mem_acquire_resource op{};
    op.domid = 0;
    op.type = XENMEM_resource_grant_table;
    check(-XEN_EPERM, "acquires domain 0's table", hypercall(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &op));
    success();
}

void as_a_child_sees_it()
{
    grant_entry_v1 volatile *mine = own_table(table_page);
    remap(first, pte_of(first, 1 | 2));
    first[0] = 0xabc;
    Child c;
    build(c, hostile_mapper);
    grant(mine, 9, c.id, mfn_of(first));
    grant(mine, 10, 99, mfn_of(first));
    start(c);
    wait_end(c);
    collect(c);
    check(0, "nobody uses it", mine[9].flags & in_use);
    destroy(c);
}

}  // namespace

void test_main()
{
    give_memory_back();
    own_tables();
    build(other, [] {});
    table = table_of(other.id, table_page);
    by_address();
    by_entry();
    for_devices();
    wrong_entries();
    replace();
    what_is_not_granted();
    as_a_child_sees_it();
    success();
}
