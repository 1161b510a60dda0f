// SPDX-License-Identifier: MIT
// Regions of device memory: the object alone puts and takes their entries, and every entry it put is taken once.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/address_space_detail.hpp>

using namespace kernel;

namespace {
constexpr Vaddr place{0x1ffe'0000};  // its pages lie in two page tables
constexpr std::uint32_t pages = 64;
constexpr std::uint32_t first_foreign = 0x90'0000;  // no frame of the world's

Pte *entry_at(Maddr slot)
{
    auto table = static_cast<char *>(arch::Mmu::frame_ptr(arch::Mmu::to_pseudo(to_mfn(slot))));
    return reinterpret_cast<Pte *>(table + page_offset(slot));
}

struct Foreign final : MemoryObject {
    std::uint32_t put = 0, taken = 0, pieces = 0;
    bool refuse = false;
    bool is_device() const override { return true; }
    Result<Pfn> page(std::uint32_t, bool) override { return Error::io; }
    Result<> attach(AddressSpace &space, Region const &r) override
    {
        for (std::uint32_t i = 0; i < r.pages(); ++i) {
            if (refuse && i == r.pages() / 2)
                return Error::perm;
            auto slot = TRY(space.device_tables().device_slot(r.start + (i << page_shift)));
            *entry_at(slot) = arch::PageTables::device_entry(Mfn{first_foreign + r.first_index + i}, r.prot);
            ++put;
        }
        return {};
    }
    void detach(arch::PageTables &tables, Vaddr start, Vaddr end, std::uint32_t first) override
    {
        ++pieces;
        struct Walk {
            Foreign &self;
            Vaddr start;
            std::uint32_t first;
        } walk{*this, start, first};
        tables.for_each_device(
            start, end,
            [](void *context, Vaddr v, Maddr slot, Mfn frame) {
                auto &w = *static_cast<Walk *>(context);
                REQUIRE(frame == Mfn{first_foreign + w.first + ((v - w.start) >> page_shift)});
                REQUIRE(entry_at(slot)->frame() == frame);
                *entry_at(slot) = Pte{};
                ++w.self.taken;
            },
            &walk);
    }
};

MapRequest request(Ref<Foreign> object, std::uint32_t flags = map_shared)
{
    return {.address = place,
            .bytes = pages * page_size,
            .prot = page_read | page_write,
            .flags = map_fixed | flags,
            .file = {},
            .offset = 3 * page_size,
            .object = object};
}
}  // namespace

TEST_CASE("device memory belongs to its object")
{
    world::begin(2048);
    auto before = world::free_frames();
    auto object = make_ref<Foreign>().take();
    {
        auto space = AddressSpace::create().take();
        REQUIRE(space->map(request(object)).ok());
        REQUIRE(object->put == pages);
        arch::Mapping m;
        REQUIRE_FALSE(space->device_tables().lookup(place, m));
        REQUIRE(space->sizes().resident_pages == 0);
        REQUIRE(space->fault(place, false, false).error() == Error::io);
        REQUIRE(space->protect(place, page_size, page_read).error() == Error::acces);
        REQUIRE(space->remap(place, page_size, 2 * page_size, mremap_maymove, {}).error() == Error::inval);
        REQUIRE(space->advise(place, page_size, madv_dontneed).error() == Error::inval);
        REQUIRE(space->advise(place, page_size, madv_dofork).error() == Error::inval);
        REQUIRE(space->lock(place, pages * page_size, true, true).ok());
        std::uint32_t word;
        REQUIRE_FALSE(space->read_remote(place, &word, sizeof word).ok());

        SECTION("fork does not inherit it")
        {
            auto child = space->fork().take();
            REQUIRE(child->fault(place, false, false).error() == Error::fault);
            REQUIRE(object->taken == 0);
        }
        SECTION("parts of it go")
        {
            REQUIRE(space->unmap(place + 10 * page_size, 20 * page_size).ok());
            REQUIRE(object->taken == 20);
            REQUIRE(space->unmap(place, 5 * page_size).ok());
            REQUIRE(object->taken == 25);
            REQUIRE(space->fault(place + 12 * page_size, false, false).error() == Error::fault);
        }
        SECTION("another mapping over it")
        {
            MapRequest over{.address = place + page_size,
                            .bytes = page_size,
                            .prot = page_read | page_write,
                            .flags = map_fixed | map_private | map_anonymous,
                            .file = {},
                            .offset = 0};
            REQUIRE(space->map(over).ok());
            REQUIRE(object->taken == 1);
            REQUIRE(space->fault(place + page_size, true, false).ok());
        }
    }
    REQUIRE(object->taken == pages);
    REQUIRE(world::free_frames() == before);
}

TEST_CASE("device memory whose object refuses is not mapped")
{
    world::begin(2048);
    auto object = make_ref<Foreign>().take();
    auto space = AddressSpace::create().take();
    REQUIRE(space->map(request(object, map_private)).error() == Error::inval);
    object->refuse = true;
    REQUIRE(space->map(request(object)).error() == Error::perm);
    REQUIRE(object->taken == pages / 2);
    REQUIRE(space->regions().count() == 0);
}

namespace {
struct Resident final : MemoryObject {
    Pfn frames[4] = {no_pfn, no_pfn, no_pfn, no_pfn};
    ~Resident() override
    {
        for (auto f : frames)
            if (f != no_pfn)
                unref_frame(f);
    }
    bool is_resident() const override { return true; }
    Result<Pfn> page(std::uint32_t i, bool) override
    {
        if (frames[i] == no_pfn)
            frames[i] = TRY(allocate_zeroed_frame());
        ref_frame(frames[i]);
        return frames[i];
    }
};
}  // namespace

TEST_CASE("resident memory is there at once and stays with its process")
{
    world::begin(2048);
    auto before = world::free_frames();
    {
        auto space = AddressSpace::create().take();
        MapRequest q{.address = place,
                     .bytes = 4 * page_size,
                     .prot = page_read | page_write,
                     .flags = map_fixed | map_shared,
                     .file = {},
                     .offset = 0,
                     .object = make_ref<Resident>().take()};
        REQUIRE(space->map(q).ok());
        for (std::uint32_t i = 0; i < 4; ++i) {
            arch::Mapping m;
            REQUIRE(space->device_tables().lookup(place + (i << page_shift), m));
            REQUIRE((m.protection & arch::prot_write) != 0);
        }
        auto child = space->fork().take();
        REQUIRE(child->fault(place, false, false).error() == Error::fault);
        REQUIRE(space->advise(place, page_size, madv_dontneed).error() == Error::inval);
    }
    REQUIRE(world::free_frames() == before);
}
