// SPDX-License-Identifier: MIT
// Buddy allocator and heap under long random sequences: nothing overlaps, nothing is lost, everything joins again.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <vector>

using namespace kernel;

TEST_CASE("frames come back as they were after any sequence of allocations")
{
    world::begin();
    auto const before = world::free_frames();
    std::mt19937 random{1};
    std::map<std::uint32_t, unsigned> blocks;
    std::vector<bool> taken(arch::Mmu::frames);
    for (unsigned step = 0; step < 20000; ++step) {
        if (random() % 2) {
            unsigned order = random() % 6;
            auto block = allocate_frames(order);
            if (!block.ok())
                continue;
            auto first = block.value().raw();
            REQUIRE(first % (1u << order) == 0);
            for (auto i = first; i < first + (1u << order); ++i) {
                REQUIRE(!taken[i]);
                REQUIRE(frame_refs(Pfn{i}) == 1);
                taken[i] = true;
            }
            blocks[first] = order;
        } else if (!blocks.empty()) {
            auto it = blocks.lower_bound(random() % arch::Mmu::frames);
            if (it == blocks.end())
                it = blocks.begin();
            for (auto i = it->first; i < it->first + (1u << it->second); ++i)
                taken[i] = false;
            free_frames(Pfn{it->first}, it->second);
            blocks.erase(it);
        }
    }
    for (auto [first, order] : blocks)
        free_frames(Pfn{first}, order);
    REQUIRE(world::free_frames() == before);
    unsigned large = 0;
    while (allocate_frames(max_order).ok())
        ++large;
    REQUIRE(large >= before / (1u << max_order) - 2);  // it all joined again
}

TEST_CASE("memory runs out with an error, and programs before the kernel")
{
    world::begin(1024);
    unsigned user = 0, more = 0;
    while (allocate_user_frame(true).ok())
        ++user;
    while (allocate_frame().ok())
        ++more;
    CHECK(more >= 16);
    CHECK(user > 10 * more);
    CHECK(allocate_frames(0).error() == Error::nomem);
    CHECK(allocate_frames(max_order + 1).error() == Error::nomem);
    CHECK(kernel_heap_allocate(64, 16) == nullptr);
    CHECK(frame_counts().free == 0);
    CHECK(frame_counts().anonymous == user);
}

TEST_CASE("the last reference frees a frame; the initrd's frames can be added")
{
    world::begin();
    auto f = allocate_zeroed_frame().value();
    auto free = world::free_frames();
    ref_frame(f);
    unref_frame(f);
    CHECK(world::free_frames() == free);
    unref_frame(f);
    CHECK(world::free_frames() == free + 1);
    release_boot_frames(Pfn{1}, 2);
    CHECK(world::free_frames() == free + 3);
}

namespace {
struct Object {
    unsigned char *at;
    std::size_t bytes;
    unsigned char fill;
    void check() const
    {
        for (std::size_t i = 0; i < bytes; ++i)
            if (at[i] != fill)
                FAIL("an object of " << bytes << " bytes was overwritten");
    }
};
}  // namespace

TEST_CASE("heap objects keep their contents and their alignment")
{
    world::begin();
    auto const before = world::free_frames();
    std::mt19937 random{2};
    std::vector<Object> objects;
    for (unsigned step = 0; step < 30000; ++step) {
        if (random() % 5 < 3) {
            std::size_t bytes = random() % 20 == 0 ? random() % 20000 : random() % 2100;
            std::size_t alignment = 16u << random() % 3;
            auto p = static_cast<unsigned char *>(kernel_heap_allocate(bytes, alignment));
            if (!p)
                continue;
            REQUIRE(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
            Object o{p, bytes, static_cast<unsigned char>(random())};
            std::memset(p, o.fill, bytes);
            objects.push_back(o);
        } else if (!objects.empty()) {
            auto i = random() % objects.size();
            objects[i].check();
            kernel_heap_release(objects[i].at);
            objects[i] = objects.back();
            objects.pop_back();
        }
    }
    for (auto const &o : objects) {
        o.check();
        kernel_heap_release(o.at);
    }
    kernel_heap_release(nullptr);
    CHECK(before - world::free_frames() <= 15);  // one empty slab of each size stays
    CHECK(frame_counts().heap == before - world::free_frames());
}
