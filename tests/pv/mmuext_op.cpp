// SPDX-License-Identifier: MIT
// mmuext_op: pins and unpins tables of each level, changes the root, clears and copies pages, flushes. A page that is mapped writable cannot
// become a table; what is pinned cannot be pinned again; what is not a root cannot be loaded; a bad entry anywhere refuses the whole.
#include "mmu.hpp"

char const title[] = "mmuext_op";
using namespace mmu;

namespace {

alignas(4096) std::uint64_t l1[512], l2[512], l3[512], top[512], page[512], other[512];

void seal(void *p) { check(0, "takes the writable mapping away", map(p, pte_of(p, P))); }
void open(void *p) { check(0, "gives the writable mapping back", map(p, pte_of(p, P | RW))); }

void clear(std::uint64_t *t)
{
    for (unsigned i = 0; i < 512; ++i)
        t[i] = 0;
}

void leaf_tables()
{
    l1[0] = pte_of(page, P | RW);
    l1[511] = entry(mfn_of(l1), P);
    refused("pins what is mapped writable", extended(MMUEXT_PIN_L1_TABLE, mfn_of(l1)));
    seal(l1);
    check(0, "pins an L1 that maps itself read-only", extended(MMUEXT_PIN_L1_TABLE, mfn_of(l1)));
    check(-22, "pins it again", extended(MMUEXT_PIN_L1_TABLE, mfn_of(l1)));
    refused("pins it as an L2", extended(MMUEXT_PIN_L2_TABLE, mfn_of(l1)));
    refused("maps it writable", map(l1, pte_of(l1, P | RW)));
    refused("clears it", extended(MMUEXT_CLEAR_PAGE, mfn_of(l1)));
    refused("copies over it", extended(MMUEXT_COPY_PAGE, mfn_of(l1), mfn_of(page)));
    check(0, "changes an entry", update(slot(mfn_of(l1), 1), pte_of(other, P | RW)));
    refused("changes an entry to itself, writable", update(slot(mfn_of(l1), 2), entry(mfn_of(l1), P | RW)));
    check(0, "unpins it", extended(MMUEXT_UNPIN_TABLE, mfn_of(l1)));
    check(-22, "unpins it again", extended(MMUEXT_UNPIN_TABLE, mfn_of(l1)));
    open(l1);
    l1[511] = entry(mfn_of(l1), P | RW);
    seal(l1);
    refused("pins an L1 that maps itself writable", extended(MMUEXT_PIN_L1_TABLE, mfn_of(l1)));
    open(l1);
    clear(l1);
    for (unsigned i = 0; i < 511; ++i)
        l1[i] = pte_of(page, P | RW);
    l1[511] = entry(0x100, P);
    seal(l1);
    refused("pins an L1 whose last entry is bad", extended(MMUEXT_PIN_L1_TABLE, mfn_of(l1)));
    open(l1);
    clear(l1);
}

void upper_tables()
{
    seal(l1);
    l2[0] = entry(mfn_of(l1), P | RW | US);
    l2[1] = entry(mfn_of(l2), P | RW);
    seal(l2);
    refused("pins an L2 that names itself", extended(MMUEXT_PIN_L2_TABLE, mfn_of(l2)));
    open(l2);
    l2[1] = 0;
    seal(l2);
    check(0, "pins an L2", extended(MMUEXT_PIN_L2_TABLE, mfn_of(l2)));
    refused("maps its L1 writable", map(l1, pte_of(l1, P | RW)));
    refused("pins it as an L3", extended(MMUEXT_PIN_L3_TABLE, mfn_of(l2)));
    l3[0] = entry(mfn_of(l2), P);
    seal(l3);
    refused("pins an L3 without a fourth L2", extended(MMUEXT_PIN_L3_TABLE, mfn_of(l3)));
    refused("loads it", extended(MMUEXT_NEW_BASEPTR, mfn_of(l3)));
    open(l3);
    l3[3] = entry(mfn_of(l2), P);
    seal(l3);
    refused("pins an L3 whose fourth L2 is a plain one", extended(MMUEXT_PIN_L3_TABLE, mfn_of(l3)));
    open(l3);
    refused("level 4", extended(MMUEXT_PIN_L4_TABLE, mfn_of(l3)));
}

// A second address space: the kernel's L2 is shared, the fourth L2 is a copy.
void another_root()
{
    std::uint32_t const old = root(), kernel = 3;
    for (unsigned i = 0; i < 428; ++i)
        top[i] = table(frame(table(old)[kernel]))[i];
    seal(top);
    l3[3] = entry(mfn_of(top), P);
    seal(l3);
    check(0, "pins a second root", extended(MMUEXT_PIN_L3_TABLE, mfn_of(l3)));
    refused("maps it writable", map(l3, pte_of(l3, P | RW)));
    check(0, "loads it", extended(MMUEXT_NEW_BASEPTR, mfn_of(l3)));
    check(0, "the hypervisor is there as well", hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield));
    check(static_cast<std::int32_t>(m2p[mfn_of(page)]), "so is its table of frames",
          static_cast<std::int32_t>((word(page) - base) >> 12));
    check(0, "unpins it while it is loaded", extended(MMUEXT_UNPIN_TABLE, mfn_of(l3)));
    refused("and still nobody writes it", map(l3, pte_of(l3, P | RW)));
    check(0, "loads the first", extended(MMUEXT_NEW_BASEPTR, old));
    open(l3);
    open(top);
    check(0, "unpins the L2", extended(MMUEXT_UNPIN_TABLE, mfn_of(l2)));
    open(l2);
    open(l1);
    clear(l3);
}

void roots_that_are_none()
{
    std::uint32_t const old = root();
    refused("a writable page", extended(MMUEXT_NEW_BASEPTR, mfn_of(page)));
    refused("an L2", extended(MMUEXT_NEW_BASEPTR, l2_of(page)));
    refused("a frame of the hypervisor", extended(MMUEXT_NEW_BASEPTR, 0x100));
    refused("no frame", extended(MMUEXT_NEW_BASEPTR, 0xffffffff));
    check(-1, "for another domain", extended(MMUEXT_NEW_BASEPTR, old, 0, DOMID_IO));
    check(0, "the same again", extended(MMUEXT_NEW_BASEPTR, old));
    refused("another kind of root", extended(MMUEXT_NEW_USER_BASEPTR, old));
}

void pages()
{
    for (unsigned i = 0; i < 512; ++i)
        page[i] = i + 1;
    check(0, "copies", extended(MMUEXT_COPY_PAGE, mfn_of(other), mfn_of(page)));
    check(512, "the last word", static_cast<std::int64_t>(other[511]));
    check(0, "clears", extended(MMUEXT_CLEAR_PAGE, mfn_of(other)));
    check(0, "the last word", static_cast<std::int64_t>(other[511]));
    refused("copies from the hypervisor", extended(MMUEXT_COPY_PAGE, mfn_of(other), 0x100));
    refused("copies over the hypervisor", extended(MMUEXT_COPY_PAGE, 0x100, mfn_of(page)));
    refused("clears the hypervisor", extended(MMUEXT_CLEAR_PAGE, 0x100));
    refused("clears nothing that is there", extended(MMUEXT_CLEAR_PAGE, 0xfffffff));
    check(0, "copies from a table", extended(MMUEXT_COPY_PAGE, mfn_of(other), root()));
}

void flushes_and_rubbish()
{
    std::uint32_t vcpus = 1;
    for (std::uint32_t cmd : {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_LOCAL, MMUEXT_INVLPG_ALL,
                              MMUEXT_FLUSH_CACHE, MMUEXT_FLUSH_CACHE_GLOBAL})
        check(0, "a flush", extended(cmd, page));
    for (std::uint32_t cmd : {MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI}) {
        check(0, "a flush of some", extended(cmd, page, word(&vcpus)));
        refused("of a set in the hypervisor", extended(cmd, page, 0xfe000000));
        refused("of a set that is not mapped", extended(cmd, page, 0x1000));
    }
    check(0, "an address of the hypervisor", extended(MMUEXT_INVLPG_LOCAL, 0xfe000000));
    refused("superpages", extended(MMUEXT_MARK_SUPER, mfn_of(page)));
    for (std::uint32_t cmd : {14u, 21u, 22u, 255u, 0xffffffffu})
        check(-38, "a command that is not there", extended(cmd, page));
    check(-3, "a domain that is not there", extended(MMUEXT_PIN_L1_TABLE, mfn_of(page), 0, 9));
    mmuext_op ops[3] = {};
    ops[0].cmd = ops[2].cmd = MMUEXT_TLB_FLUSH_LOCAL;
    ops[1].cmd = MMUEXT_UNPIN_TABLE;
    ops[1].arg1.mfn = mfn_of(page);
    std::uint32_t done = 77;
    check(-22, "a bad one among them", hypercall(__HYPERVISOR_mmuext_op, ops, 3, &done, DOMID_SELF));
    check(1, "done before it", done);
    check(-14, "a list in the hypervisor", hypercall(__HYPERVISOR_mmuext_op, 0xfe000000, 1, &done, DOMID_SELF));
    check(-14, "a list that wraps", hypercall(__HYPERVISOR_mmuext_op, ops, 0x7fffffff, &done, DOMID_SELF));
}

}  // namespace

void test_main()
{
    leaf_tables();
    upper_tables();
    another_root();
    roots_that_are_none();
    pages();
    flushes_and_rubbish();
    success();
}
