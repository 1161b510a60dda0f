// SPDX-License-Identifier: MIT
// Domains die with grants mapped, on either side. A mapper that dies lets go of what it mapped; a granter that dies leaves its mapper the
// page until that one lets go, and then every frame is free. A handle of a dead granter does nothing to a later domain of the same id.
// A domain that maps without end, or grows its table without end, comes to its limits and harms nobody.
#include "grants.hpp"

char const title[] = "grants: death of granter and mapper";

namespace {

using namespace grants;
using namespace domu;

alignas(4096) std::uint32_t volatile table_page[1024], page[1024], second[1024];
grant_entry_v1 volatile *mine;
domid_t dom0_grant_for;

void map_and_stay()
{
    mailbox.word[0] = static_cast<std::uint32_t>(map(0, 40, Child::spare_address(0)).status);
    mailbox.word[1] = static_cast<std::uint32_t>(map(0, 40, 0ull, GNTMAP_device_map).status);
    mailbox.word[2] = 1;
    for (;;)
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield);
}

void mapper_dies()
{
    std::uint64_t before = free_pages();
    Child c;
    build(c, map_and_stay);
    grant(mine, 40, c.id, mfn_of(page));
    start(c);
    check_true(wait_until([&c] { return c.box->word[2] == 1; }), "the child maps");
    check(GNTST_okay, "for itself", c.box->word[0]);
    check(GNTST_okay, "for a device", c.box->word[1]);
    check(in_use, "in use", mine[40].flags & in_use);
    check(0, "a writable page is no table", mmu::extended(MMUEXT_PIN_L1_TABLE, mfn_of(page)) == 0);
    destroy(c);
    check(0, "nobody uses it now", mine[40].flags & in_use);
    remap(page, 0);
    check(0, "it can be what it likes again", mmu::extended(MMUEXT_PIN_L1_TABLE, mfn_of(page)));
    check(0, "and back", mmu::extended(MMUEXT_UNPIN_TABLE, mfn_of(page)));
    remap(page, pte_of(page, 1 | 2));
    check(static_cast<std::int64_t>(before), "all frames are back", static_cast<std::int64_t>(free_pages()));
}

void granter_dies()
{
    std::uint64_t before = free_pages();
    Child c;
    build(c, [] {});
    grant_entry_v1 volatile *table = table_of(c.id, table_page);
    grant(table, 3, 0, c.spare(0));
    Mapped host = map(c.id, 3, page), device = map(c.id, 3, 0ull, GNTMAP_device_map | GNTMAP_readonly);
    check(GNTST_okay, "maps", host.status);
    check(GNTST_okay, "for a device", device.status);
    page[7] = 0x7777;
    domid_t id = c.id;
    remap(table_page, 0);
    destroy(c);
    check(0x7777, "the page is still there", page[7]);
    check(static_cast<std::int64_t>(before) - 1, "one frame is not free", static_cast<std::int64_t>(free_pages()));
    check(GNTST_bad_domain, "maps it again", map(id, 3, second).status);

    xen_domctl op{};
    op.u.createdomain = ordinary();
    check(0, "a new domain of the same id", domctl(XEN_DOMCTL_createdomain, id, op));
    table = table_of(id, table_page);
    table[3].flags = GTF_permit_access | GTF_reading | GTF_writing;
    check(GNTST_general_error, "by another address", unmap(host.handle, second));
    check(GNTST_okay, "unmaps the old mapping", unmap(host.handle, page));
    check(GNTST_okay, "unmaps the device's", unmap(device.handle, 0, device.bus));
    check(in_use, "the new domain's entry is as it was", table[3].flags & in_use);
    remap(table_page, 0);
    check(0, "destroys it", domctl(XEN_DOMCTL_destroydomain, id));
    check(static_cast<std::int64_t>(before), "all frames are back", static_cast<std::int64_t>(free_pages()));
    own_table(table_page);
    remap(page, pte_of(page, 1 | 2));
    remap(second, pte_of(second, 1 | 2));
}

// Unmaps nothing: the limit on handles ends it. The page-table entry is overwritten each time.
void map_without_end()
{
    grant_entry_v1 volatile *own = own_table(Child::spare_address(1));
    grant(own, 8, dom0_grant_for, mfn_of(Child::spare_address(2)));
    unsigned n = 0;
    int status;
    while ((status = map(dom0_grant_for, 8, Child::spare_address(0), GNTMAP_host_map | GNTMAP_readonly).status)
           == GNTST_okay)
        ++n;
    check(GNTST_no_device_space, "the end of the handles", status);
    check(1024, "handles", n);
    std::uint32_t frames[64];
    unsigned size = 1;
    while (size < 64 && set_up(DOMID_SELF, frames, size + 1) == GNTST_okay)
        ++size;
    mailbox.word[0] = size;
    success();
}

void without_end()
{
    std::uint64_t before = free_pages();
    Child c;
    create(c);
    dom0_grant_for = c.id;
    load(c, map_without_end);
    pin(c);
    check(0, "setvcpucontext", set_context(c, context(c)));
    start(c);
    wait_end(c);
    collect(c);
    check(64, "frames of its table", c.box->word[0]);
    destroy(c);
    check(static_cast<std::int64_t>(before), "all frames are back", static_cast<std::int64_t>(free_pages()));
}

}  // namespace

void test_main()
{
    give_memory_back();
    mine = own_table(table_page);
    mapper_dies();
    granter_dies();
    without_end();
    success();
}
