// SPDX-License-Identifier: MIT
// What goes first when memory is short: clean before dirty, unmapped before mapped, unused before used; and what never goes.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/reclaim.hpp>
#include <vector>

using namespace kernel;

namespace {
// A file of `pages` pages on a disk that has nothing but ones.
struct DiskFile final : PageCache {
    std::uint32_t pages = 0;
    unsigned writes = 0;
    std::uint64_t size() const override { return std::uint64_t{pages} << page_shift; }
    bool backed() const override { return true; }
    void read_pages(std::uint32_t first, std::uint32_t count) override
    {
        for (auto index = first; index < first + count; ++index) {
            std::memset(frame_address(resident_frame(index)), 1, page_size);
            page_read(resident_frame(index), true);
        }
    }
    void write_pages(std::uint32_t first, std::uint32_t count) override
    {
        writes += count;
        PageCache::write_pages(first, count);
    }
    bool has(std::uint32_t index) { return resident_page(index) != no_pfn; }
    unsigned count(std::uint32_t first, std::uint32_t last)
    {
        unsigned n = 0;
        for (auto i = first; i < last; ++i)
            n += has(i);
        return n;
    }
    void read(std::uint32_t index)
    {
        char byte = 0;
        auto buffer = IoBuffer::kernel(&byte, 1);
        REQUIRE(PageCache::read(buffer, std::uint64_t{index} << page_shift, size()).value() == 1);
    }
    void write(std::uint32_t index)
    {
        char byte = 2;
        auto buffer = IoBuffer::kernel(&byte, 1);
        REQUIRE(PageCache::write(buffer, std::uint64_t{index} << page_shift, size()).value() == 1);
    }
};

// A process that maps pages of a file one by one, so that nothing comes along with another page.
struct Program {
    Ref<AddressSpace> space = AddressSpace::create().take();
    std::vector<Vaddr> at;
    std::vector<Pte *> entries;
    void map(Ref<DiskFile> file, std::uint32_t index, unsigned more_flags = 0, unsigned prot = 1)
    {
        MapRequest q{.address = Vaddr{0x1000'0000 + 2 * page_size * static_cast<std::uint32_t>(at.size())},
                     .bytes = page_size,
                     .prot = prot,
                     .flags = map_shared | more_flags,
                     .file = {},
                     .offset = std::uint64_t{index} << page_shift,
                     .object = Ref<MemoryObject>{file}};
        at.push_back(space->map(q).value());
        REQUIRE(space->fault(at.back(), (prot & 2) != 0, false).ok());
        entries.push_back(arch::Mmu::last_set);
    }
    void use(unsigned i) { *entries[i] = entries[i]->with(Pte::A); }
    bool maps(unsigned i)
    {
        std::uint8_t unused = 0;
        arch::Mapping m;
        return space->resident(at[i], 1, &unused).ok() && space->device_tables().lookup(at[i], m);
    }
};

Ref<DiskFile> make_file(std::uint32_t pages)
{
    auto file = make_ref<DiskFile>().take();
    file->pages = pages;
    return file;
}
}  // namespace

TEST_CASE("clean pages that nobody has mapped go first, the oldest of them before the others; dirty ones never")
{
    world::begin();
    auto file = make_file(600);
    Program program;
    for (std::uint32_t i = 0; i < 100; ++i)
        program.map(file, i);
    for (std::uint32_t i = 100; i < 200; ++i)
        file->write(i);
    for (std::uint32_t i = 200; i < 600; ++i)
        file->read(i);
    CHECK(reclaimable_frame_count() == 600);
    CHECK(reclaim_frames(1) == 1);  // each page was used once until here, and is asked for a second use
    CHECK(reclaim_frames(199) == 199);
    CHECK(file->count(0, 200) == 200);
    CHECK(file->count(200, 400) == 0);
    CHECK(file->count(400, 600) == 200);
    for (std::uint32_t i = 400; i < 450; ++i)
        file->read(i);  // used again: now the others are older
    CHECK(reclaim_frames(150) == 150);
    CHECK(file->count(400, 450) == 50);
    CHECK(reclaim_frames(1000) == 50);
    CHECK(reclaim_frames(1000) == 0);
    CHECK(file->count(0, 200) == 200);
    CHECK(file->writes == 0);

    REQUIRE(file->sync_pages(0, ~0u).ok());
    CHECK(file->writes == 100);
    CHECK(reclaim_frames(1000) == 100);
    CHECK(file->count(0, 100) == 100);
}

TEST_CASE("pages that are mapped go when nothing else is left: those that were not used lately before those that were")
{
    world::begin();
    auto file = make_file(900);
    Program program, other;
    for (std::uint32_t i = 0; i < 900; ++i)
        program.map(file, i);
    for (std::uint32_t i = 0; i < 300; ++i)
        other.map(file, i);
    for (unsigned i = 0; i < 100; ++i)
        other.use(i);  // one of both is enough
    for (unsigned i = 300; i < 400; ++i)
        program.use(i);
    auto const free = world::free_frames();
    CHECK(reclaim_frames(1) == 0);
    CHECK(reclaim_pass(300) == 300);
    CHECK(world::free_frames() >= free + 300);
    CHECK(reclaim_pass(400) == 400);
    for (unsigned i = 0; i < 100; ++i) {
        REQUIRE(program.maps(i));
        REQUIRE(other.maps(i));
        REQUIRE(program.maps(300 + i));
    }
    CHECK(file->count(100, 300) == 0);
    CHECK(!program.maps(150));
    CHECK(!other.maps(150));

    // From now on those count as unused, until they are used again; a page that was taken away comes back by a fault.
    REQUIRE(program.space->fault(program.at[150], false, false).ok());
    CHECK(file->has(150));
}

TEST_CASE("of the pages in use the last ones stay, and locked and dirty ones always")
{
    world::begin();
    auto file = make_file(1000);
    auto const least = frame_counts().total / 32;
    REQUIRE(least > 100);
    Program program;
    for (std::uint32_t i = 0; i < 1000; ++i)
        program.map(file, i, i < 20 ? unsigned{map_locked} : 0, i >= 20 && i < 40 ? 3 : 1);
    for (unsigned round = 0; round < 5; ++round) {
        for (unsigned i = 0; i < 1000; ++i)
            if (program.maps(i))
                program.use(i);
        (void)reclaim_pass(1000);
        CHECK(reclaimable_frame_count() == least);
        CHECK(file->count(0, 40) == 40);
    }
    // What nobody uses goes below that as well.
    while (reclaim_pass(1000) != 0)
        ;
    CHECK(file->count(0, 40) == 40);
    CHECK(reclaimable_frame_count() == 40);
    REQUIRE(file->sync_pages(0, ~0u).ok());
    CHECK(reclaim_pass(1000) == 0);  // they were used before
    CHECK(reclaim_pass(1000) == 20);
    CHECK(program.maps(0));
}

TEST_CASE("pages of a program that has ended go like any other")
{
    world::begin();
    auto file = make_file(100);
    {
        Program program;
        for (std::uint32_t i = 0; i < 100; ++i)
            program.map(file, i);
        CHECK(reclaim_frames(100) == 0);
    }
    CHECK(reclaim_frames(100) == 100);
    CHECK(file->resident() == 0);
}

namespace {
unsigned times_low;
bool privileged;
}  // namespace

TEST_CASE("frames run out for programs first, then for the kernel, then for write-back; and it is told before")
{
    world::begin(2048);
    times_low = 0;
    privileged = false;
    set_memory_policy({.low = [] { ++times_low; }, .may_use_last = [] { return privileged; }});
    auto const marks = frame_marks();
    CHECK(marks.last < marks.reserve);
    CHECK(marks.reserve < marks.low);
    CHECK(marks.low < marks.high);
    while (world::free_frames() > marks.low)
        REQUIRE(allocate_user_frame(false).ok());
    CHECK(times_low == 0);
    while (allocate_user_frame(false).ok())
        ;
    CHECK(times_low >= marks.low - marks.reserve);
    CHECK(world::free_frames() == marks.reserve);
    CHECK(!frames_for_programs());
    while (allocate_frame().ok())
        ;
    CHECK(world::free_frames() == marks.last);
    privileged = true;
    while (allocate_frame().ok())
        ;
    CHECK(world::free_frames() == 0);
}
