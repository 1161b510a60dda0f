// SPDX-License-Identifier: MIT
// Copies between a grant of another's and a frame of ours, both ways, and between two grants; and what must not be copied: over the end of a
// page, from or to what was not granted, a frame by its number that is not ours, into a page table. No bytes copy nothing and check
// nothing. A copy leaves no trace in the entries, and a long list of them is done to the end.
#include "grants.hpp"
#include <cstring>

char const title[] = "grants: copy";

namespace {

using namespace grants;
using namespace domu;

alignas(4096) std::uint8_t volatile table_page[4096], ours[4096], theirs[4096], theirs_too[4096];
Child other;
grant_entry_v1 volatile *table;
constexpr unsigned from_grant = GNTCOPY_source_gref, to_grant = GNTCOPY_dest_gref;

void fill(std::uint8_t volatile *page, unsigned first)
{
    for (unsigned i = 0; i < 4096; ++i)
        page[i] = static_cast<std::uint8_t>(first + i);
}

void both_ways()
{
    fill(theirs, 1);
    fill(ours, 100);
    check(GNTST_okay, "from a grant", copy(grant_side(other.id, 1, 10), frame_side(mfn_of(ours), 20), 5, from_grant));
    check(11, "the first byte", ours[20]);
    check(15, "the last byte", ours[24]);
    check(100 + 19, "the byte before", ours[19]);
    check(100 + 25, "the byte behind", ours[25]);
    check(GNTST_okay, "to a grant", copy(frame_side(mfn_of(ours), 4000), grant_side(other.id, 1, 4000), 96, to_grant));
    check((100 + 4095) & 255, "the last byte of the page", theirs[4095]);
    check((1 + 3999) & 255, "the byte before", theirs[3999]);
    check(GNTST_okay, "between grants",
          copy(grant_side(other.id, 1), grant_side(other.id, 2), 4096, from_grant | to_grant));
    check_true(!std::memcmp(const_cast<std::uint8_t *>(theirs), const_cast<std::uint8_t *>(theirs_too), 4096),
               "a whole page");
    check(GNTST_okay, "within one frame", copy(frame_side(mfn_of(ours)), frame_side(mfn_of(ours), 8), 4000, 0));
    check(100, "an overlapping one", ours[8]);
    check((100 + 3999) & 255, "to its end", ours[4007]);
    check(0, "no trace in the first entry", table[1].flags & in_use);
    check(0, "no trace in the second", table[2].flags & in_use);
}

int in(gnttab_copy_ptr from, unsigned flags = from_grant) { return copy(from, frame_side(mfn_of(ours)), 16, flags); }
int out(gnttab_copy_ptr to, unsigned flags = to_grant) { return copy(frame_side(mfn_of(ours)), to, 16, flags); }

void what_is_refused()
{
    check(GNTST_bad_copy_arg, "over the end of the source",
          copy(grant_side(other.id, 1, 4090), frame_side(mfn_of(ours)), 7, from_grant));
    check(GNTST_bad_copy_arg, "over the end of the destination",
          copy(frame_side(mfn_of(ours)), grant_side(other.id, 1, 1), 4096, to_grant));
    check(GNTST_bad_copy_arg, "an offset beyond the page",
          copy(frame_side(mfn_of(ours), 0xffff), frame_side(mfn_of(ours)), 1, 0));
    check(GNTST_okay, "no bytes",
          copy(grant_side(99, 0xffffffff, 0xffff), frame_side(0xffffffff, 0xffff, 77), 0, from_grant));
    check(GNTST_bad_domain, "a granter that is none", in(grant_side(99, 1)));
    check(GNTST_bad_gntref, "beyond the table", in(grant_side(other.id, 512)));
    check(GNTST_permission_denied, "a frame of another domain by its number",
          in(frame_side(other.spare(0), 0, other.id), 0));
    check(GNTST_permission_denied, "to one", out(frame_side(other.spare(0), 0, other.id), 0));
    check(GNTST_permission_denied, "our own by our own number", in(frame_side(mfn_of(theirs), 0, 0), 0));
    for (std::uint32_t frame : {other.spare(0), 0x100u, 0xfee00u, 0xffffffffu}) {
        check(GNTST_general_error, "a frame that is not ours", in(frame_side(frame), 0));
        check(GNTST_general_error, "to one that is not ours", out(frame_side(frame), 0));
    }
    check(GNTST_general_error, "to a page table of ours", out(frame_side(mmu::l1_of(ours)), 0));
    check(GNTST_okay, "from a page table of ours", in(frame_side(mmu::l1_of(ours)), 0));
    grant(table, 3, 0, other.spare(0), GTF_readonly);
    check(GNTST_okay, "from a read-only grant", in(grant_side(other.id, 3)));
    check(GNTST_general_error, "to a read-only grant", out(grant_side(other.id, 3)));
    grant(table, 3, other.id, other.spare(0));
    check(GNTST_general_error, "from a grant for somebody else", in(grant_side(other.id, 3)));
    grant(table, 3, 0, other.table(l1_0));
    check(GNTST_general_error, "to a granted page table", out(grant_side(other.id, 3)));
    grant(table, 3, 0, mfn_of(theirs));
    check(GNTST_general_error, "from a frame that is not the granter's", in(grant_side(other.id, 3)));
    check(0, "no trace", table[3].flags & in_use);
}

void while_mapped()
{
    Mapped m = map(other.id, 1, theirs_too);
    fill(ours, 50);
    check(GNTST_okay, "to a grant that is mapped", out(grant_side(other.id, 1)));
    check(50, "arrives", theirs_too[0]);
    check(in_use, "it is still in use", table[1].flags & in_use);
    check(GNTST_okay, "unmaps", unmap(m.handle, theirs_too));
    check(0, "and now is not", table[1].flags & in_use);
}

DOM0_ONLY gnttab_copy many[2000];

void a_long_list()
{
    for (unsigned i = 0; i < 2000; ++i)
        many[i] = {grant_side(other.id, i % 7 ? 1 : 700), frame_side(mfn_of(ours), i % 4096), 1, from_grant, 77};
    check(0, "two thousand copies", call(GNTTABOP_copy, many[0], 2000));
    for (unsigned i = 0; i < 2000; ++i)
        if (many[i].status != (i % 7 ? GNTST_okay : GNTST_bad_gntref))
            return failure("copy %u: status %d", i, many[i].status);
    check(-XEN_EFAULT, "a list that ends in the hypervisor",
          hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, 0xf57ff000, 1000));
}

void swaps()
{
    own_table(table_page);
    auto *mine = reinterpret_cast<grant_entry_v1 volatile *>(table_page);
    grant(mine, 20, other.id, 0x123);
    grant(mine, 21, 99, 0x456);
    gnttab_swap_grant_ref op{20, 21, 77};
    check(0, "swap_grant_ref", call(GNTTABOP_swap_grant_ref, op));
    check(GNTST_okay, "its status", op.status);
    check(0x456, "one entry", mine[20].frame);
    check(other.id, "the other", mine[21].domid);
    op.ref_b = 0x7fffffff;
    check(0, "swap_grant_ref", call(GNTTABOP_swap_grant_ref, op));
    check(GNTST_bad_gntref, "beyond the table", op.status);
}

}  // namespace

void test_main()
{
    give_memory_back();
    build(other, [] {});
    table = table_of(other.id, table_page);
    grant(table, 1, 0, other.spare(0));
    grant(table, 2, 0, other.spare(1));
    map_foreign(theirs, other.id, other.spare(0));
    map_foreign(theirs_too, other.id, other.spare(1));
    both_ways();
    what_is_refused();
    while_mapped();
    a_long_list();
    swaps();
    success();
}
