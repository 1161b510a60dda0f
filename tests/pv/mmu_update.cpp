// SPDX-License-Identifier: MIT
// mmu_update. Entries of live tables change one by one and in batches; every entry that would make a table writable, reach a
// frame that is not the guest's, skip a level, or use a bit that is not the guest's to use, is refused and leaves the old one in place.
// The cases that have a history: a large page over page tables by a change of flags (XSA-148), a superpage beyond memory (XSA-167), a table
// as its own entry at any level (XSA-185, 240), the reserved bits (XSA-176).
#include "mmu.hpp"

char const title[] = "mmu_update";
using namespace mmu;

namespace {

alignas(4096) std::uint32_t one[1024], two[1024], spare[512 * 2];
constexpr std::uint32_t hypervisor_frame = 0x100;  // machine address 1 MB

void friendly()
{
    one[0] = 1, two[0] = 2;
    check(0, "maps another frame", update(l1_slot(one), pte_of(two, P | RW)));
    check(0, "flush", extended(MMUEXT_INVLPG_LOCAL, one));
    check(2, "the other frame is seen", one[0]);
    check(0, "maps the first again", update(l1_slot(one), pte_of(one, P | RW) & ~(A | D)));
    check(0, "flush", extended(MMUEXT_TLB_FLUSH_LOCAL, 0));
    check(1, "the first frame is seen", one[0]);
    std::uint32_t volatile sink = one[0];
    static_cast<void>(sink);
    check(0, "keeps accessed and dirty", update(l1_slot(one) | MMU_PT_UPDATE_PRESERVE_AD, entry(mfn_of(one), P | RW)));
    check_true(l1_entry(one) & A, "accessed was kept");
    check(0, "not executable", update(l1_slot(one), pte_of(one, P | RW | NX)));
    check(0, "as it was", update(l1_slot(one), pte_of(one, P | RW)));
    check(0, "an entry that is not present may say anything", update(l1_slot(spare), 0x7fff'ffff'ffff'fffe));
    check(0, "and be replaced", update(l1_slot(spare), pte_of(spare, P | RW)));
}

void batches()
{
    mmu_update u[40];
    for (unsigned i = 0; i < 40; ++i)
        u[i] = {l1_slot(i % 2 ? one : two), pte_of(i % 2 ? one : two, P | RW)};
    std::uint32_t done = 77;
    check(0, "a batch", hypercall(__HYPERVISOR_mmu_update, u, 40, &done, DOMID_SELF));
    check(40, "all done", done);
    u[17].val = entry(hypervisor_frame, P);
    refused("a bad one among them", hypercall(__HYPERVISOR_mmu_update, u, 40, &done, DOMID_SELF));
    check(17, "done before it", done);
    check(0, "an empty batch", hypercall(__HYPERVISOR_mmu_update, u, 0, &done, DOMID_SELF));
    check(0, "nothing done", done);
    check(-14, "a list in the hypervisor", hypercall(__HYPERVISOR_mmu_update, 0xfe000000, 1, &done, DOMID_SELF));
    check(-14, "a list that wraps", hypercall(__HYPERVISOR_mmu_update, 0xf57fffff, 0x7fffffff, &done, DOMID_SELF));
    check(-14, "a list that is not mapped", hypercall(__HYPERVISOR_mmu_update, 0x1000, 1, &done, DOMID_SELF));
    check(-14, "a count in the hypervisor", hypercall(__HYPERVISOR_mmu_update, u, 1, 0xfe000000, DOMID_SELF));
    u[0].val = pte_of(two, P | RW);
    check(0, "a restart that the guest made up", hypercall(__HYPERVISOR_mmu_update, u, 1u | 1u << 31, &done, DOMID_SELF));
    check(1, "counts on from what it said", done);
}

void other_frames()
{
    std::uint64_t const at = l1_slot(one);
    refused("a frame of the hypervisor, read-only", update(at, entry(hypervisor_frame, P)));
    refused("a frame of the hypervisor, writable", update(at, entry(hypervisor_frame, P | RW)));
    refused("a frame of the hypervisor's heap", update(at, entry(hypervisor_frame + 0x200, P | RW)));
    refused("the local APIC", update(at, entry(0xfee00, P | RW)));
    refused("the I/O APIC", update(at, entry(0xfec00, P | RW)));
    refused("beyond 36 bits", update(at, std::uint64_t{1} << 40 | entry(mfn_of(one), P)));
    refused("beyond 44 bits, aliasing a good frame", update(at, std::uint64_t{1} << 44 | entry(mfn_of(one), P)));
    for (unsigned bit = 52; bit < 63; ++bit)
        refused("a reserved bit", update(at, pte_of(one, P | RW | 1ull << bit)));
    refused("a global page", update(at, pte_of(one, P | RW | G)));
    check_true(hypercall(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page) < 0xfec00, "RAM ends below the APICs");
    check(static_cast<std::int64_t>(pte_of(one, P | RW)), "the old entry stands",
          static_cast<std::int64_t>(l1_entry(one) | A | D));
}

void tables_stay_read_only()
{
    std::uint64_t const at = l1_slot(one);
    for (std::uint32_t mfn : {root(), l2_of(one), l1_of(one), frame(table(root())[0]), frame(table(root())[3])}) {
        refused("a table, writable", update(at, entry(mfn, P | RW)));
        check(0, "a table, read-only", update(at, entry(mfn, P)));
        refused("made writable by flags alone", update(at, entry(mfn, P | RW)));
        check(0, "as it was", update(at, pte_of(one, P | RW)));
    }
    check(0, "flush", extended(MMUEXT_TLB_FLUSH_LOCAL, 0));
    check_true(writes_fault(const_cast<std::uint64_t *>(table(l1_of(one)))), "a store to a table faults");
}

void upper_levels()
{
    std::uint64_t const l2 = slot(l2_of(one), 300), root_slot = slot(root(), 0), top = slot(frame(table(root())[3]), 0);
    refused("an L2 as its own L1", update(l2, entry(l2_of(one), P | RW)));
    refused("an L3 as an L1", update(l2, entry(root(), P)));
    refused("a writable page as an L1", update(l2, pte_of(one, P)));
    refused("a superpage of memory", update(l2, entry(mfn_of(one) & ~511u, P | RW | PS)));
    refused("a superpage beyond memory", update(l2, entry(0xffe00, P | RW | PS)));
    refused("large by a change of flags", update(l2_slot(one), table(l2_of(one))[word(one) >> 21 & 511] | PS));
    refused("an uncached L1", update(l2, entry(l1_of(one), P | PCD)));
    refused("the root as its own L2", update(root_slot, entry(root(), P)));
    refused("an L1 as an L2", update(root_slot, entry(l1_of(one), P)));
    refused("no fourth L2", update(slot(root(), 3), 0));
    refused("a plain L2 as the fourth", update(slot(root(), 3), entry(frame(table(root())[0]), P)));
    refused("the fourth L2 elsewhere", update(root_slot, entry(frame(table(root())[3]), P)));
    refused("an L3 entry that never executes", update(root_slot, entry(frame(table(root())[0]), P | NX)));
    refused("a fifth L3 entry", update(slot(root(), 4), 0));
    for (unsigned i : {428u, 429u, 430u, 480u, 496u, 511u}) {
        refused("the hypervisor's part of the fourth L2, cleared", update(top + i * 8, 0));
        refused("the hypervisor's part of the fourth L2, ours", update(top + i * 8, entry(l1_of(one), P | RW)));
    }
    check(0, "an L1 twice", update(l2, entry(l1_of(one), P | RW)));
    auto again = reinterpret_cast<std::uint32_t *>(static_cast<std::uintptr_t>((word(one) & 0xc01fffff) | 300u << 21));
    check(1, "seen at both places", *again);
    check(0, "and once again", update(l2, 0));
    check(0, "an L2 twice", update(slot(root(), 1), entry(frame(table(root())[0]), P)));
}

void places()
{
    std::uint64_t const good = pte_of(one, P | RW);
    refused("a table beyond memory", update(0xf'ffff'f000, good));
    refused("a table beyond 44 bits", update(1ull << 60 | l1_slot(one), good));
    refused("the hypervisor's memory as a table", update(std::uint64_t{hypervisor_frame} << 12, good));
    for (unsigned command = 4; command < 8; ++command)
        check(-38, "a command that is not there", update(l1_slot(one) | command, good));
    spare[0] = spare[1] = 0;
    check(0, "memory that is no table", update(slot(mfn_of(spare), 0), 0x1234'5678'9abc'def0));
    check(static_cast<std::int32_t>(0x9abcdef0), "it is there", static_cast<std::int32_t>(spare[0]));
    refused("another domain's table", update(l1_slot(one), good, 7u << 16 | DOMID_SELF));
    check(-3, "another domain's memory", update(l1_slot(one), good, 6));
    refused("RAM as if it were a device", update(l1_slot(one), good, DOMID_IO));
    check(0, "the screen's memory", update(l1_slot(two), entry(0xb8, P | RW)));
    check(0, "and away again", update(l1_slot(two), pte_of(two, P | RW)));
}

void machine_to_physical()
{
    std::uint64_t const at = std::uint64_t{mfn_of(one)} << 12;
    std::uint32_t before = m2p[mfn_of(one)];
    check((word(one) - base) >> 12, "what the builder entered", before);
    check(0, "a new entry", update(at | MMU_MACHPHYS_UPDATE, 0x1234567));
    check(0x1234567, "is there", m2p[mfn_of(one)]);
    check(0, "the old one", update(at | MMU_MACHPHYS_UPDATE, before));
    refused("of a frame of the hypervisor", update(std::uint64_t{hypervisor_frame} << 12 | MMU_MACHPHYS_UPDATE, 1));
    refused("of a frame that is not there", update(0xf'ffff'f000 | MMU_MACHPHYS_UPDATE, 1));
    check_fault(14, "a store to the table", faults([] { *const_cast<std::uint32_t volatile *>(m2p) = 1; }));
}

}  // namespace

void test_main()
{
    friendly();
    batches();
    other_frames();
    tables_stay_read_only();
    upper_levels();
    places();
    machine_to_physical();
    success();
}
