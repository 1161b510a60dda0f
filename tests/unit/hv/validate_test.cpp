// SPDX-License-Identifier: MIT
// Validation step by step: what an interruption leaves behind, what a refusal gives back, when the TLB is flushed for safety. The names in
// parentheses are the advisories whose mistake each case would be.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>
#include <hv/tlb.hpp>

using namespace hv;
using namespace machine;

namespace {

constexpr std::uint64_t rw = Pte::P | Pte::RW;

Space start(unsigned count = 40, unsigned l1_count = 1)
{
    reset();
    return make_space(vcpus[0], count, l1_count);
}

// A frame that nothing maps, as a kernel prepares a table: empty, then with one entry.
Mfn table_with(unsigned index, Pte e)
{
    Mfn mfn = new_frame(dom0);
    table(mfn)[index] = e;
    return mfn;
}

std::int32_t pin(Mfn mfn, unsigned level) { return call_mmuext_op(MMUEXT_PIN_L1_TABLE + level - 1, mfn); }
std::int32_t unpin(Mfn mfn) { return call_mmuext_op(MMUEXT_UNPIN_TABLE, mfn); }
std::int32_t set(Mfn mfn, unsigned index, Pte e)
{
    return call_mmu_update({{to_maddr(mfn, index * 8).raw(), e.raw()}});
}

// A tree of `n` L1s below an L2, none validated yet.
Mfn tree(unsigned n, std::vector<Mfn> &leaves)
{
    Mfn l2 = new_frame(dom0), data = new_frame(dom0);
    for (unsigned i = 0; i < n; ++i) {
        leaves.push_back(table_with(i, Pte{data, rw}));
        table(l2)[i * 3] = Pte{leaves.back(), rw};
    }
    return l2;
}

}  // namespace

TEST_CASE("validation that is interrupted at every step arrives all the same (45, 299, 309, 310)")
{
    start();
    std::vector<Mfn> leaves;
    Mfn l2 = tree(20, leaves);
    preempt_chance = 256;
    unsigned interruptions = 0;
    Result<> r = Error::again;
    while (!(r = pin_frame(l2, &dom0, FrameType::l2)).ok()) {
        REQUIRE(r.error() == Error::again);
        REQUIRE(check() == "");
        REQUIRE(frame_of(l2).is(Frame::partial));
        ++interruptions;
    }
    CHECK(interruptions == 19);
    CHECK(check() == "");
    CHECK(frame_of(l2).is(Frame::validated));
    while (!(r = unpin_frame(l2, &dom0)).ok()) {
        REQUIRE(r.error() == Error::again);
        REQUIRE(check() == "");
        CHECK(frame_of(l2).is(Frame::pinned));
    }
    CHECK(frame_of(leaves[0]).type_count() == 0);
    CHECK(check() == "");
}

TEST_CASE("an interrupted validation that nobody takes up is undone when the frame becomes something else")
{
    start();
    std::vector<Mfn> leaves;
    Mfn l2 = tree(8, leaves);
    preempt_chance = 256;
    REQUIRE(pin_frame(l2, &dom0, FrameType::l2).error() == Error::again);
    preempt_chance = 0;
    CHECK(frame_of(leaves[0]).type_count() == 1);
    auto f = get_frame_and_type(l2, &dom0, FrameType::writable);
    REQUIRE(f.ok());
    CHECK(frame_of(leaves[0]).type_count() == 0);
    CHECK(check() != "");  // our own reference
    REQUIRE(put_frame_and_type(*f.value()).ok());
    CHECK(check() == "");
}

TEST_CASE("a refusal gives back all it took, also piece by piece (58, 291, 334)")
{
    start();
    std::vector<Mfn> leaves;
    Mfn l2 = tree(12, leaves);
    table(l2)[500] = Pte{l2, rw};  // itself
    preempt_chance = GENERATE(0u, 256u);
    Result<> r = Error::again;
    while ((r = pin_frame(l2, &dom0, FrameType::l2)).error() == Error::again)
        REQUIRE(check() == "");
    CHECK(!r.ok());
    CHECK(check() == "");
    CHECK(frame_of(l2).count == (Frame::allocated | 1));
    for (Mfn leaf : leaves)
        CHECK(frame_of(leaf).count == (Frame::allocated | 1));
}

TEST_CASE("an unlinked table that is large is taken apart piece by piece (old_guest_table)")
{
    Space s = start(60);
    std::vector<Mfn> leaves;
    Mfn l2 = tree(12, leaves);
    REQUIRE(set(s.l3, 1, Pte{l2, Pte::P}) == 0);
    preempt_chance = 256;
    unsigned before = restarts;
    CHECK(set(s.l3, 1, Pte{s.l2[1], Pte::P}) == 0);
    CHECK(restarts > before + 5);
    CHECK(vcpus[0].unfinished_table == no_mfn);
    CHECK(frame_of(leaves[11]).type_count() == 0);
    CHECK(check() == "");
}

TEST_CASE("an L2 between validated and not is completed by who needs it")
{
    Space s = start(60);
    std::vector<Mfn> leaves;
    Mfn l2 = tree(12, leaves);
    REQUIRE(pin(l2, 2) == 0);
    preempt_chance = 256;
    REQUIRE(unpin_frame(l2, &dom0).error() == Error::again);
    preempt_chance = 0;
    REQUIRE(frame_of(l2).is(Frame::partial));
    CHECK(set(s.l3, 1, Pte{l2, Pte::P}) == 0);
    CHECK(frame_of(l2).is(Frame::validated));
    CHECK(check() == "");
    CHECK(unpin(l2) == 0);
    CHECK(frame_of(l2).type_count() == 1);
    CHECK(check() == "");
}

TEST_CASE(
    "the TLB is flushed when a frame leaves `writable` or a table leaves its level, and only then (286, 401, 408)")
{
    Space s = start();
    Mfn data = new_frame(dom0);
    REQUIRE(set(s.l1[0], 100, Pte{data, rw}) == 0);
    REQUIRE(set(s.l1[0], 100, Pte{}) == 0);
    SECTION("not flushed since")
    {
        unsigned before = flushes;
        REQUIRE(pin(data, 1) == 0);
        CHECK(flushes == before + 1);
    }
    SECTION("flushed by the guest")
    {
        flush_tlb();
        unsigned before = flushes;
        REQUIRE(pin(data, 1) == 0);
        CHECK(flushes == before);
        REQUIRE(unpin(data) == 0);
        REQUIRE(set(s.l1[0], 100, Pte{data, rw}) == 0);
        CHECK(flushes == before + 1);
    }
    CHECK(check_processor() == "");
}

TEST_CASE("the loaded root is loaded again when one of its four entries changes")
{
    Space s = start();
    unsigned before = flushes;
    REQUIRE(set(s.l3, 2, Pte{s.l2[1], Pte::P}) == 0);
    CHECK(flushes == before + 1);
}

TEST_CASE("the fourth L2 is of its own kind and carries the hypervisor's entries")
{
    Space s = start();
    unsigned top = guest_entries(FrameType::l2_top);
    CHECK(top == 428);
    CHECK(table(s.l2[3])[top] == hypervisor_entries()[0]);
    CHECK(set(s.l2[3], top, Pte{}) != 0);
    CHECK(set(s.l3, 0, Pte{s.l2[3], Pte::P}) != 0);
    CHECK(set(s.l3, 3, Pte{s.l2[0], Pte::P}) != 0);
    CHECK(set(s.l3, 3, Pte{}) != 0);
    CHECK(set(s.l2[2], 511, Pte{}) == 0);
    Mfn second = new_frame(dom0);
    table(second)[3] = Pte{s.l2[3], Pte::P};
    CHECK(pin(second, 3) == 0);  // shared between roots: a real Xen refuses, we need not
    CHECK(check() == "");
}

TEST_CASE("no table maps itself or one of its own level (185, 240)")
{
    start();
    Mfn l1 = new_frame(dom0), l2 = new_frame(dom0), l3 = new_frame(dom0);
    table(l1)[0] = Pte{l1, rw};
    CHECK(pin(l1, 1) == -16);
    table(l1)[0] = Pte{l1, Pte::P};
    CHECK(pin(l1, 1) == 0);
    table(l2)[0] = Pte{l2, rw};
    CHECK(pin(l2, 2) < 0);
    table(l3)[0] = Pte{l3, Pte::P};
    CHECK(pin(l3, 3) < 0);
    CHECK(check() == "");
}

TEST_CASE("what a large page or a reserved bit would do is refused at every level (148, 167, 176, 182)")
{
    Space s = start();
    Pte good = table(s.l2[0])[0];
    for (unsigned bit : {7u, 8u, 3u, 4u, 52u, 55u, 62u})
        CHECK(set(s.l2[0], 0, good.with(1ull << bit)) == -22);
    for (unsigned bit : {8u, 52u, 62u})
        CHECK(set(s.l1[0], 20, table(s.l1[0])[20].with(1ull << bit)) == -22);
    for (unsigned bit : {3u, 4u, 7u, 8u, 52u, 63u})
        CHECK(set(s.l3, 0, table(s.l3)[0].with(1ull << bit)) == -22);
    CHECK(set(s.l3, 0, table(s.l3)[0].with(Pte::RW | Pte::US | Pte::A)) == 0);  // common in guests; stored without
    CHECK(table(s.l3)[0] == Pte{s.l2[0], Pte::P});
    for (unsigned bit : {36u, 40u, 44u, 48u, 51u})
        CHECK(set(s.l1[0], 20, table(s.l1[0])[20].with(1ull << bit)) == -22);
    CHECK(check() == "");
}

TEST_CASE("device memory is for the privileged, uncached beyond RAM, and never the APICs (154)")
{
    Space s = start();
    CHECK(set(s.l1[0], 100, Pte{Mfn{ram_end}, rw}) == 0);
    CHECK(set(s.l1[0], 101, Pte{Mfn{0xfd000}, rw}) == 0);
    CHECK(table(s.l1[0])[101].has(Pte::PCD));
    CHECK(set(s.l1[0], 102, Pte{Mfn{0xfee00}, rw}) == -1);
    CHECK(set(s.l1[0], 102, Pte{Mfn{0xfec00}, rw}) == -1);
    make_space(vcpus[2], 20);
    run(vcpus[2]);
    Mfn l1 = table(table(vcpus[2].cr3)[0].frame())[0].frame();
    CHECK(set(l1, 100, Pte{Mfn{ram_end}, rw}) == -1);
    CHECK(set(l1, 100, Pte{Mfn{0xfd000}, rw}) == -1);
    CHECK(set(l1, 15, table(l1)[15].with(Pte::PCD)) == -22);
    CHECK(check() == "");
}
