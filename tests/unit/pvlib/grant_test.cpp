// SPDX-License-Identifier: MIT
// Grants: what is taken is given back, whatever the other end does with it.
#include "world.hpp"
#include <kernel/memory/frames.hpp>
#include <pv/io/blkif.h>
#include <pvlib/device/back_ring.hpp>
#include <pvlib/device/foreign.hpp>
#include <pvlib/device/front_ring.hpp>
#include <pvlib/device/hollow.hpp>
#include <random>

using namespace pv;

namespace {
Pfn a_frame()
{
    auto f = kernel::allocate_zeroed_frame();
    CHECK(f.ok());
    return f.value();
}
}  // namespace

TEST(grants, an_entry_says_what_was_granted)
{
    world::begin();
    auto f = a_frame();
    auto g = GrantRef::to(7, f, Access::read_only).take();
    CHECK(g.raw() >= GNTTAB_NR_RESERVED_ENTRIES);
    auto &e = hypervisor::entry(g.raw());
    CHECK_EQ(e.flags, GTF_permit_access | GTF_readonly);
    CHECK_EQ(e.domid, 7);
    CHECK_EQ(e.frame, arch::Mmu::to_machine(f).raw());
    CHECK(!g.mapped());
    CHECK(!hypervisor::map_ours(g.raw(), 8, false));
    CHECK(!hypervisor::map_ours(g.raw(), 7, true));
    auto ref = g.raw();
    g.end();
    CHECK(!g);
    CHECK_EQ(hypervisor::entry(ref).flags, GTF_invalid);
    CHECK_EQ(kernel::frame_refs(f), 1u);
}

// The other end keeps a page mapped after we ended its grant: neither page nor entry is used again until it lets go.
TEST(grants, a_page_that_is_still_mapped_lingers)
{
    world::begin();
    auto f = a_frame();
    auto before = grant_counts();
    auto g = GrantRef::to(7, f, Access::writable).take();
    auto ref = g.raw();
    CHECK(hypervisor::map_ours(ref, 7, true));
    CHECK(g.mapped());
    g.end();
    kernel::unref_frame(f);
    CHECK_EQ(kernel::frame_refs(f), 1u);  // the grant's
    CHECK_EQ(grant_counts().lingering, 1u);
    for (int i = 0; i < 600; ++i) {
        auto other = GrantRef::to(7, f, Access::writable).take();
        CHECK(other.raw() != ref);
    }
    world::pass(3'000'000'000);
    CHECK_EQ(grant_counts().lingering, 1u);
    hypervisor::unmap_ours(ref);
    world::pass(3'000'000'000);
    CHECK_EQ(grant_counts().lingering, 0u);
    CHECK(kernel::frame_use(f) == kernel::FrameUse::free);
    CHECK_EQ(hypervisor::entry(ref).flags, GTF_invalid);
    CHECK(grant_counts().free + 1 >= before.free);
}

TEST(grants, the_table_grows_and_ends)
{
    world::begin();
    auto f = a_frame();
    std::vector<GrantRef> all;
    for (;;) {
        auto g = GrantRef::to(1, f, Access::writable);
        if (!g.ok()) {
            CHECK(g.error() == Error::nospc);
            break;
        }
        all.push_back(g.take());
    }
    CHECK_EQ(all.size(), hypervisor::table_limit * 512 - GNTTAB_NR_RESERVED_ENTRIES);
    std::set<grant_ref_t> different;
    for (auto &g : all)
        different.insert(g.raw());
    CHECK_EQ(different.size(), all.size());
    all.pop_back();
    CHECK(GrantRef::to(1, f, Access::writable).ok());
    all.clear();
    CHECK_EQ(kernel::frame_refs(f), 1u);
    CHECK_EQ(grant_counts().free, grant_counts().entries - GNTTAB_NR_RESERVED_ENTRIES);
}

TEST(grants, a_reserve_never_fails_and_replaces_what_lingers)
{
    world::begin();
    auto f = a_frame();
    auto reserve = GrantReserve::make(3, 4).take();
    grant_ref_t r[4];
    for (auto &ref : r)
        ref = reserve.grant(f, Access::writable);
    CHECK_EQ(reserve.free(), 0u);
    CHECK(hypervisor::map_ours(r[1], 3, true));
    CHECK(reserve.end(r[0]));
    CHECK(!reserve.end(r[1]));
    CHECK_EQ(reserve.free(), 2u);
    auto again = reserve.grant(f, Access::read_only);
    CHECK(again != r[1]);
    reserve = {};
    CHECK_EQ(hypervisor::entry(r[2]).flags, GTF_invalid);
    CHECK_EQ(grant_counts().lingering, 1u);
    CHECK_EQ(kernel::frame_refs(f), 2u);
}

TEST(grants, pages_of_a_ring)
{
    world::begin();
    auto before = world::free_frames();
    {
        SharedFrontRing<blkif_sring> ring;
        CHECK(ring.open(5, 4).ok());
        CHECK_EQ(ring->slots(), PV_RING_FLOOR2((4 * 4096 - 64) / 108u));
        for (unsigned i = 0; i < 4; ++i)
            CHECK_EQ(hypervisor::entry(ring.pages().ref(i)).domid, 5);
        CHECK(!ring.open(5, 3).ok());
    }
    CHECK_EQ(world::free_frames(), before);
}

TEST(foreign, mapped_in_place_of_a_frame)
{
    world::begin();
    for (unsigned i = 0; i < 8; ++i)
        hypervisor::offer(2, 100 + i, 0x70000 + i, i != 3);
    ForeignRef refs[3] = {{2, 100, Access::writable}, {2, 103, Access::read_only}, {2, 105, Access::writable}};
    {
        auto pages = ForeignPages::map(refs).take();
        CHECK_EQ(pages.count(), 3u);
        CHECK_EQ(pages.bus_address(1).raw(), 0x70003000u);
        CHECK(arch::Mmu::to_machine(pages.frame(2)) == Mfn{0x70005});
        CHECK_EQ(hypervisor::mapped_foreign(), 3u);
        CHECK_EQ(hypervisor::pages, arch::Mmu::frames - 3);
    }
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
    CHECK_EQ(place_count(), 3u);  // kept for the next time
}

TEST(foreign, all_or_nothing)
{
    world::begin();
    hypervisor::offer(2, 100, 0x70000, true);
    hypervisor::offer(2, 101, 0x70001, false);
    ForeignRef refs[3] = {{2, 100, Access::writable}, {2, 101, Access::writable}, {2, 102, Access::writable}};
    CHECK(ForeignPages::map(refs).error() == Error::perm);
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
    CHECK(ForeignPages::map({}).error() == Error::inval);
    std::vector<ForeignRef> many(ForeignPages::most + 1, refs[0]);
    CHECK(ForeignPages::map(many).error() == Error::inval);
    auto before = place_count();
    for (int i = 0; i < 50; ++i)
        CHECK(!ForeignPages::map(refs).ok());
    CHECK_EQ(place_count(), before);
}

// Rings of several pages come and go: nothing is lost, whether or not the hypervisor has memory for us just then.
TEST(foreign, rows_do_not_leak)
{
    world::begin();
    for (unsigned i = 0; i < 8; ++i)
        hypervisor::offer(2, 100 + i, 0x70000 + i, true);
    ForeignRef refs[8];
    for (unsigned i = 0; i < 8; ++i)
        refs[i] = {2, 100 + i, Access::writable};
    for (int i = 0; i < 200; ++i) {
        hypervisor::refuses_memory = i % 3 == 0;
        auto pages = ForeignPages::map(refs, ForeignPages::Layout::contiguous).take();
        for (unsigned j = 1; j < 8; ++j)
            CHECK(static_cast<char *>(pages.address(j)) == static_cast<char *>(pages.address()) + j * page_size);
    }
    hypervisor::refuses_memory = false;
    CHECK_EQ(hypervisor::pages + place_count() + hollow_count(), arch::Mmu::frames);
    CHECK(place_count() <= 128);
    std::vector<Pfn> hollow;
    for (auto f = pop_hollow(); f != no_pfn; f = pop_hollow())
        hollow.push_back(f);
    CHECK_EQ(fill(hollow), hollow.size());
    CHECK_EQ(hypervisor::pages + place_count(), arch::Mmu::frames);
}

// Rings of one page take turns at the same place.
TEST(foreign, a_row_of_one_uses_the_pool)
{
    world::begin();
    hypervisor::offer(2, 100, 0x70000, true);
    ForeignRef const ref[] = {{2, 100, Access::writable}};
    auto before = world::free_frames();
    for (int i = 0; i < 200; ++i)
        CHECK(ForeignPages::map(ref, ForeignPages::Layout::contiguous).ok());
    CHECK_EQ(place_count(), 1u);
    CHECK_EQ(world::free_frames(), before - 1);
}

TEST(foreign, copies_are_cut_at_our_pages)
{
    world::begin();
    hypervisor::offer(2, 100, 0x70000, true);
    auto first = kernel::allocate_frames(1).take();
    auto buffer = static_cast<char *>(kernel::frame_address(first));
    GrantCopy batch;
    batch.from(2, 100, 96, buffer + 1000, 4000);
    CHECK(batch.run().ok());
    CHECK_EQ(hypervisor::copies.size(), 2u);
    auto const &a = hypervisor::copies[0], &b = hypervisor::copies[1];
    CHECK_EQ(a.len, 3096);
    CHECK_EQ(a.source.offset, 96);
    CHECK_EQ(a.dest.offset, 1000);
    CHECK_EQ(b.len, 904);
    CHECK_EQ(b.source.offset, 96 + 3096);
    CHECK_EQ(b.dest.offset, 0);
    CHECK_EQ(b.dest.u.gmfn, arch::Mmu::to_machine(first + 1).raw());
    batch.to(2, 100, 97, buffer, 4000);  // beyond the granted page
    CHECK(batch.run().error() == Error::inval);
    for (int i = 0; i < 100; ++i)
        batch.to(2, i == 50 ? 999u : 100u, 0, buffer, 10);
    CHECK(batch.run().error() == Error::perm);
    CHECK(batch.run().ok());
}

TEST(foreign, a_ring_whose_index_lies)
{
    world::begin();
    auto page = a_frame();
    hypervisor::offer(9, 50, 0x70000, true);
    grant_ref_t ref = 50;
    SharedBackRing<blkif_sring> ring;
    CHECK(ring.open(9, {}).error() == Error::inval);
    grant_ref_t three[3] = {50, 50, 50};
    CHECK(ring.open(9, three).error() == Error::inval);
    grant_ref_t wrong = 51;
    CHECK(ring.open(9, {&wrong, 1}).error() == Error::perm);
    CHECK(ring.open(9, {&ref, 1}).ok());
    auto &shared = *static_cast<blkif_sring *>(kernel::frame_address(page));
    static_cast<void>(shared);
    blkif_request q;
    CHECK(ring->take(q) == Taken::nothing);
    ring.close();
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
}

TEST(balloon, frames_go_and_come_back)
{
    world::begin();
    auto before = world::free_frames();
    std::vector<Pfn> all;
    for (int i = 0; i < 500; ++i)
        all.push_back(kernel::allocate_frame().take());
    CHECK_EQ(hollow_out(all).value(), 500u);
    CHECK_EQ(hypervisor::pages, arch::Mmu::frames - 500);
    CHECK_EQ(kernel::frame_counts().total + 500 + 8, arch::Mmu::frames - 24);  // 8 reserved, 24 of the frame table
    hypervisor::refuses_memory = true;
    CHECK_EQ(fill(all), 0u);
    hypervisor::refuses_memory = false;
    CHECK_EQ(fill(all), 500u);
    CHECK_EQ(world::free_frames(), before);
}
