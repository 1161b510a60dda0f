// SPDX-License-Identifier: MIT
// Whose memory is whose: allocation, limits, gifts, other domains' frames, the end of a domain.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <hv/domain_list.hpp>
#include <hv/heap.hpp>
#include <hv/memory.hpp>
#include <hv/mmu.hpp>

using namespace hv;
using namespace machine;

namespace {

constexpr std::uint64_t rw = Pte::P | Pte::RW;

std::int32_t set(Mfn mfn, unsigned index, Pte e, std::uint32_t domain = DOMID_SELF)
{
    return call_mmu_update({{to_maddr(mfn, index * 8).raw(), e.raw()}}, domain);
}

}  // namespace

TEST_CASE("a block is aligned, and its parts join again")
{
    reset();
    std::uint32_t all = free_frame_count();
    auto block = allocate_domain_frames(dom0, 4);
    REQUIRE(block.ok());
    CHECK(block.value().raw() % 16 == 0);
    CHECK(dom0.total_pages == 16);
    CHECK(check() == "");
    for (unsigned i = 0; i < 16; ++i)
        REQUIRE(release_frame(block.value() + i, dom0).ok());
    CHECK(free_frame_count() == all);
    CHECK(allocate_domain_frames(dom0, 6).ok());  // 64 of 224 in one piece
    CHECK(allocate_domain_frames(dom0, 13).error() == Error::inval);
}

TEST_CASE("a domain gets no more than its limit, however the numbers wrap (385)")
{
    reset();
    dom0.max_pages = 10;
    CHECK(allocate_domain_frames(dom0, 3).ok());
    CHECK(allocate_domain_frames(dom0, 2).error() == Error::nomem);
    CHECK(allocate_domain_frames(dom0, 1).ok());
    CHECK(allocate_domain_frames(dom0, 0).error() == Error::nomem);
    dom0.max_pages = 0;
    CHECK(allocate_domain_frames(dom0, 0).error() == Error::nomem);
}

TEST_CASE("memory that comes back holds nothing of its past (100)")
{
    reset();
    Mfn mfn = new_frame(dom0);
    table(mfn)[17] = Pte{0x5ec7e7};
    REQUIRE(release_frame(mfn, dom0).ok());
    for (unsigned i = ram_first; i < ram_end; ++i)
        CHECK(table(new_frame(domu))[17] == Pte{});
}

TEST_CASE("a frame is given up once, and only by its owner (222, 252)")
{
    reset();
    Space s = make_space(vcpus[0], 30);
    CHECK(release_frame(Mfn{heap_first}, dom0).error() == Error::inval);
    CHECK(release_frame(Mfn{0}, dom0).error() == Error::inval);
    CHECK(release_frame(Mfn{frames}, dom0).error() == Error::inval);
    CHECK(release_frame(s.l3, domu).error() == Error::inval);
    std::vector<std::uint32_t> list{s.l3.raw()};
    CHECK(reservation(XENMEM_decrease_reservation, list, 0) == 1);
    CHECK(reservation(XENMEM_decrease_reservation, list, 0) == 0);
    CHECK(frame_of(s.l3).is(Frame::pinned));  // still pinned, still loaded, still nobody's to write
    CHECK(set(s.l1[0], 100, Pte{s.l3, rw}) < 0);
    CHECK(check() == "");
}

TEST_CASE("the hypervisor's pages that a domain shares stay what they are")
{
    reset();
    Space s = make_space(vcpus[0], 30);
    void *writable = allocate_pages(0), *constant = allocate_pages(0);
    share_frame(dom0, writable, true);
    share_frame(dom0, constant, false);
    CHECK(set(s.l1[0], 100, Pte{heap_mfn(writable), rw}) == 0);
    CHECK(set(s.l1[0], 101, Pte{heap_mfn(constant), Pte::P}) == 0);
    CHECK(set(s.l1[0], 102, Pte{heap_mfn(constant), rw}) < 0);
    CHECK(call_mmuext_op(MMUEXT_PIN_L1_TABLE, heap_mfn(writable)) < 0);
    CHECK(call_mmuext_op(MMUEXT_PIN_L1_TABLE, heap_mfn(constant)) < 0);
    std::vector<std::uint32_t> list{heap_mfn(writable).raw()};
    CHECK(reservation(XENMEM_decrease_reservation, list, 0) == 0);
    CHECK(check() == "");
    std::size_t used = heap_used();
    unshare_frame(frame_of(heap_mfn(writable)));
    CHECK(heap_used() == used);  // still mapped
    CHECK(set(s.l1[0], 100, Pte{}) == 0);
    CHECK(heap_used() == used - page_size);
    CHECK(set(s.l1[0], 101, Pte{}) == 0);
    unshare_frame(frame_of(heap_mfn(constant)));
    CHECK(heap_used() == used - 2 * page_size);
}

TEST_CASE("only the privileged map another domain's frames, and then they outlive it")
{
    reset();
    Space s = make_space(vcpus[0], 30);
    Space u = make_space(vcpus[2], 20);
    Mfn theirs = new_frame(domu);
    CHECK(set(u.l1[0], 100, Pte{Mfn{s.l1[0]}, Pte::P}, 0) == -1);
    CHECK(set(u.l1[0], 100, Pte{new_frame(dom0), Pte::P}) == -22);
    run(vcpus[0]);
    CHECK(set(s.l1[0], 100, Pte{theirs, rw}) == -22);
    CHECK(set(s.l1[0], 100, Pte{theirs, rw}, 1) == 0);
    CHECK(set(s.l1[0], 101, Pte{u.l1[0], rw}, 1) < 0);
    CHECK(set(s.l1[0], 101, Pte{theirs, rw}, 5) == -3);
    CHECK(check() == "");
    domu.dying = true;
    while (release_domain_memory(domu).error() == Error::again) {}
    unlink_domain(domu);
    CHECK(domu.total_pages == 0);
    CHECK(frame_of(theirs).count == 1);
    CHECK(!get_frame(theirs, &domu).ok());
    std::uint32_t before = free_frame_count();
    CHECK(set(s.l1[0], 100, Pte{}) == 0);
    CHECK(free_frame_count() == before + 1);
    CHECK(check() == "");
}

TEST_CASE("an exchange is whole or not at all (159, 318)")
{
    reset();
    make_space(vcpus[0], 30);
    std::vector<std::uint32_t> in, out{0x40};
    for (unsigned i = 0; i < 4; ++i)
        in.push_back(new_frame(dom0).raw());
    std::uint32_t pages = dom0.total_pages;
    dom0.max_pages = pages;  // even at its limit a domain may exchange
    SECTION("friendly")
    {
        CHECK(exchange(in, 0, out, 2) == 0);
        CHECK(out[0] % 4 == 0);
        CHECK(get_m2p(Mfn{out[0] + 3}) == 0x43);
        for (std::uint32_t mfn : in)
            CHECK(!get_frame(Mfn{mfn}, &dom0).ok());
    }
    SECTION("one twice")
    {
        in[3] = in[0];
        CHECK(exchange(in, 0, out, 2) == -22);
    }
    SECTION("one that is not ours")
    {
        in[3] = new_frame(domu).raw();
        CHECK(exchange(in, 0, out, 2) == -22);
    }
    SECTION("one that is in use")
    {
        in[3] = vcpus[0].cr3.raw();
        CHECK(exchange(in, 0, out, 2) == -22);
    }
    SECTION("no memory")
    {
        while (allocate_domain_frames(domu, 0).ok()) {}
        CHECK(exchange(in, 0, out, 2) == -12);
        for (std::uint32_t mfn : in)
            CHECK(frame_of(Mfn{mfn}).count == (Frame::allocated | 1));
    }
    CHECK(dom0.total_pages == pages);
    CHECK(check() == "");
}
