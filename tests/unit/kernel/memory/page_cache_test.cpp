// SPDX-License-Identifier: MIT
// The page cache against a plain array, with a mapping of the same file looking on; a backed one under shortage; the tree.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/mman.hpp>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/reclaim.hpp>
#include <map>
#include <set>
#include <vector>

using namespace kernel;

namespace {
struct MemoryFile : PageCache {
    std::uint64_t bytes = 0;
    std::uint64_t size() const override { return bytes; }
};

struct DiskFile final : MemoryFile {
    std::map<std::uint32_t, unsigned char> disk;  // what each page is full of
    unsigned reads = 0, writes = 0;
    bool broken = false;
    bool backed() const override { return true; }
    void read_pages(std::uint32_t first, std::uint32_t count) override
    {
        for (auto index = first; index < first + count; ++index) {
            ++reads;
            std::memset(frame_address(resident_frame(index)), disk[index], page_size);
            page_read(resident_frame(index), !broken);
        }
    }
    void write_pages(std::uint32_t first, std::uint32_t count) override
    {
        for (auto index = first; index < first + count; ++index) {
            ++writes;
            disk[index] = *static_cast<unsigned char *>(frame_address(resident_frame(index)));
            page_written(resident_frame(index), broken ? Error::io : Error::none);
        }
    }
};
}  // namespace

TEST_CASE("the page tree is a map")
{
    world::begin();
    std::mt19937 random{3};
    PageTree tree;
    std::map<std::uint32_t, std::uint32_t> model;
    for (unsigned step = 0; step < 20000; ++step) {
        auto index = static_cast<std::uint32_t>(random()) >> random() % 32;
        switch (random() % 4) {
        case 0:
        case 1:
            if (!model.count(index)) {
                REQUIRE(tree.insert(index, Pfn{step}).ok());
                model[index] = step;
            }
            break;
        case 2: {
            auto it = model.lower_bound(index);
            if (it == model.end())
                break;
            REQUIRE(tree.erase(it->first) == Pfn{it->second});
            model.erase(it);
            break;
        }
        default: {
            auto it = model.lower_bound(index);
            auto found = tree.next(index);
            REQUIRE((found == no_pfn) == (it == model.end()));
            if (it != model.end())
                REQUIRE((index == it->first && found == Pfn{it->second}));
        }
        }
    }
    for (auto [index, value] : model)
        REQUIRE(tree.find(index) == Pfn{value});
    std::set<std::uint32_t> tagged;
    for (unsigned step = 0; step < 20000; ++step) {
        auto it = model.lower_bound(static_cast<std::uint32_t>(random()) >> random() % 32);
        if (it == model.end())
            continue;
        if (random() % 2 == 0) {
            tree.set_tag(it->first, PageTree::dirty);
            tagged.insert(it->first);
        } else {
            tree.clear_tag(it->first, PageTree::dirty);
            tagged.erase(it->first);
        }
        auto index = static_cast<std::uint32_t>(random()) >> random() % 32, other = 0u;
        auto next = tagged.lower_bound(index);
        auto found = tree.next_tagged(index, PageTree::dirty);
        REQUIRE((found == no_pfn) == (next == tagged.end()));
        if (next != tagged.end())
            REQUIRE(index == *next);
        REQUIRE(tree.next_tagged(other, PageTree::writing) == no_pfn);
    }
    for (auto [index, value] : model)
        REQUIRE(tree.erase(index) == Pfn{value});
    std::uint32_t zero = 0;
    CHECK(tree.next(zero) == no_pfn);
    CHECK(tree.erase(5) == no_pfn);
}

TEST_CASE("a file is the bytes that were written, for read, write and mmap alike")
{
    world::begin();
    auto const before = world::free_frames();
    std::mt19937 random{4};
    {
        auto file = make_ref<MemoryFile>().take();
        auto space = AddressSpace::create().take();
        constexpr std::uint32_t most = 40 * page_size;
        std::vector<char> model;
        file->bytes = most;
        MapRequest q{.address = Vaddr{0x3000'0000},
                     .bytes = most,
                     .prot = 3,
                     .flags = map_shared | map_fixed,
                     .file = {},
                     .offset = 0,
                     .object = Ref<MemoryObject>{file}};
        REQUIRE(space->map(q).ok());
        file->bytes = 0;
        auto resize = [&](std::uint32_t size) {
            file->bytes = size;
            file->truncate(size);
            model.resize(size);
        };
        std::vector<char> data(most);
        for (unsigned step = 0; step < 3000; ++step) {
            auto at = static_cast<std::uint32_t>(random() % most),
                 n = static_cast<std::uint32_t>(random() % (3 * page_size));
            if (at + n > most)
                n = most - at;
            switch (random() % 6) {
            case 0:
            case 1: {
                for (std::uint32_t i = 0; i < n; ++i)
                    data[i] = static_cast<char>(random());
                if (at + n > file->bytes && at > file->bytes)
                    file->truncate(file->bytes);
                auto buffer = IoBuffer::kernel(data.data(), n);
                REQUIRE(file->write(buffer, at, ~0ull).value() == n);
                if (at + n > model.size())
                    model.resize(at + n);
                file->bytes = model.size();
                std::copy_n(data.begin(), n, model.begin() + at);
                break;
            }
            case 2: {
                auto buffer = IoBuffer::kernel(data.data(), n);
                auto got = file->read(buffer, at, model.size());
                std::size_t expected = at < model.size() ? std::min<std::size_t>(n, model.size() - at) : 0;
                REQUIRE(got.value() == expected);
                REQUIRE(std::equal(data.begin(), data.begin() + expected, model.begin() + (expected ? at : 0)));
                break;
            }
            case 3: {
                char byte = 0;
                auto got = space->read_remote(Vaddr{0x3000'0000} + at, &byte, 1);
                bool inside = at < ((model.size() + page_size - 1) & page_mask);
                REQUIRE(got.ok() == inside);
                if (at < model.size())
                    REQUIRE(byte == model[at]);
                if (inside && at >= model.size())
                    REQUIRE(byte == 0);
                break;
            }
            case 4:
                if (at < model.size()) {
                    char byte = static_cast<char>(random());
                    REQUIRE(space->write_remote(Vaddr{0x3000'0000} + at, &byte, 1).ok());
                    model[at] = byte;
                } else if (at >= ((model.size() + page_size - 1) & page_mask)) {
                    REQUIRE(space->fault(Vaddr{0x3000'0000} + at, true, false).error() == Error::nxio);
                }
                break;
            default:
                if (random() % 4 == 0) {
                    resize(at);
                } else if (at < model.size()) {
                    auto end = std::min<std::size_t>(at + n, model.size());
                    file->punch(at, end);
                    std::fill(model.begin() + at, model.begin() + static_cast<std::ptrdiff_t>(end), 0);
                }
            }
        }
        CHECK(file->resident() <= 40);
    }
    CHECK(before - world::free_frames() <= 15);  // slabs
}

TEST_CASE("pages of a disk file go when memory is short, dirty and mapped ones stay")
{
    world::begin(1024);
    auto file = make_ref<DiskFile>().take();
    file->bytes = 4096ull * page_size;
    for (std::uint32_t i = 0; i < 4096; ++i)
        file->disk[i] = static_cast<unsigned char>(i * 7);
    char byte = 1;
    for (unsigned i = 0; i < 50; ++i) {
        auto buffer = IoBuffer::kernel(&byte, 1);
        REQUIRE(file->write(buffer, std::uint64_t{i} * page_size, file->bytes).value() == 1);
    }
    for (std::uint32_t round = 0; round < 2; ++round) {
        for (std::uint32_t i = 0; i < 4096; ++i) {
            auto buffer = IoBuffer::kernel(&byte, 1);
            REQUIRE(file->read(buffer, std::uint64_t{i} * page_size + 1, file->bytes).value() == 1);
            REQUIRE(static_cast<unsigned char>(byte) == file->disk[i]);
        }
    }
    CHECK(file->reads > 6000);
    CHECK(file->resident() < 1024);
    CHECK(file->writes == 0);
    REQUIRE(file->sync_pages(0, ~0u).ok());
    CHECK(file->writes == 50);
    CHECK(file->disk[0] == 1);
    CHECK(file->disk[49] == 1);
    REQUIRE(file->sync_pages(0, ~0u).ok());
    CHECK(file->writes == 50);
}

TEST_CASE("each first write to a shared mapping of a disk file is noticed")
{
    world::begin();
    auto file = make_ref<DiskFile>().take();
    file->bytes = 40 * page_size;
    auto space = AddressSpace::create().take();
    MapRequest q{.address = {},
                 .bytes = 40 * page_size,
                 .prot = 3,
                 .flags = map_shared,
                 .file = {},
                 .offset = 0,
                 .object = Ref<MemoryObject>{file}};
    auto at = space->map(q).value();
    char word[4] = {9, 9, 9, 9};
    std::uint32_t got = 1;
    REQUIRE(space->read_remote(at, &got, 4).ok());
    for (unsigned round = 1; round < 4; ++round) {
        REQUIRE(space->write_remote(at, word, 4).ok());
        REQUIRE(space->write_remote(at, word, 4).ok());
        REQUIRE(space->sync(at, page_size, ms_sync).ok());
        CHECK(file->writes == round);
    }
    CHECK(file->disk[0] == 9);
    file->broken = true;
    CHECK(space->fault(at + page_size * 30, false, false).error() == Error::io);
    file->broken = false;
    CHECK(space->fault(at + page_size * 30, false, false).ok());
}

TEST_CASE("a private mapping sees the file until it writes, and loses everything to truncate")
{
    world::begin();
    auto file = make_ref<MemoryFile>().take();
    file->bytes = 3 * page_size;
    auto space = AddressSpace::create().take();
    MapRequest q{.address = {},
                 .bytes = 3 * page_size,
                 .prot = 3,
                 .flags = map_private,
                 .file = {},
                 .offset = 0,
                 .object = Ref<MemoryObject>{file}};
    auto at = space->map(q).value();
    std::uint32_t word = 0;
    auto put = [&](std::uint32_t value, std::uint64_t position) {
        auto buffer = IoBuffer::kernel(&value, 4);
        REQUIRE(file->write(buffer, position, file->bytes).value() == 4);
    };
    put(1, page_size);
    REQUIRE(space->read_remote(at + page_size, &word, 4).ok());
    CHECK(word == 1);
    put(2, page_size);
    REQUIRE(space->read_remote(at + page_size, &word, 4).ok());
    CHECK(word == 2);
    word = 5;
    REQUIRE(space->write_remote(at + page_size, &word, 4).ok());
    put(3, page_size);
    REQUIRE(space->read_remote(at + page_size, &word, 4).ok());
    CHECK(word == 5);
    file->bytes = page_size;
    file->truncate(page_size);
    CHECK(space->fault(at + page_size, false, false).error() == Error::nxio);
}

TEST_CASE("a mapping begins with what processes did to the file before")
{
    world::begin();
    auto file = make_ref<MemoryFile>().take();
    file->bytes = 200 * page_size;
    for (std::uint32_t i = 0; i < 200; ++i)
        REQUIRE(file->allocate(i).ok());
    auto map = [&](AddressSpace &space, std::uint32_t prot) {
        MapRequest q{.address = {},
                     .bytes = 200 * page_size,
                     .prot = prot,
                     .flags = map_private,
                     .file = {},
                     .offset = 0,
                     .object = Ref<MemoryObject>{file}};
        return space.map(q).value();
    };
    auto mapped_at_first = [&](std::uint32_t prot, bool unknown_too) {
        auto space = AddressSpace::create().take();
        space->map_expected(map(*space, prot), unknown_too);
        return space->mapped_pages();
    };
    CHECK(mapped_at_first(page_read | page_exec, false) == 0);  // nothing is known
    CHECK(mapped_at_first(page_read | page_exec, true) == 200);
    for (std::uint32_t i : {0u, 7u, 64u, 130u, 199u})
        PageCache::note_touched(file->resident_page(i));
    CHECK(mapped_at_first(page_read | page_exec, false) == 5);
    CHECK(mapped_at_first(page_read | page_exec, true) == 5);
    file->bytes = 150 * page_size;
    file->truncate(file->bytes);
    CHECK(mapped_at_first(page_read | page_exec, true) == 4);
    CHECK(mapped_at_first(page_read | page_write, true) == 0);  // nobody has stored to it yet

    auto frames = world::free_frames();
    {
        auto first = AddressSpace::create().take();
        auto at = map(*first, page_read | page_write);
        char const byte = 1;
        for (std::uint32_t i : {2u, 5u, 5u})
            REQUIRE(first->write_remote(at + i * page_size, &byte, 1).ok());
        auto second = AddressSpace::create().take();
        auto there = map(*second, page_read | page_write);
        second->map_expected(there, false);
        CHECK(second->mapped_pages() == 2);
        char read = 9;
        REQUIRE(second->read_remote(there + 2 * page_size, &read, 1).ok());
        CHECK(read == 0);  // the file's, not the first one's
        REQUIRE(second->write_remote(there + 2 * page_size, &byte, 1).ok());
        REQUIRE(first->read_remote(at + 2 * page_size, &read, 1).ok());
        CHECK(read == 1);
    }
    CHECK(world::free_frames() == frames);
}

TEST_CASE("what is expected of a new mapping leaves alone what is mapped already")
{
    world::begin();
    auto file = make_ref<MemoryFile>().take();
    file->bytes = 4 * page_size;
    for (std::uint32_t i = 0; i < 4; ++i) {
        REQUIRE(file->allocate(i).ok());
        file->note_habit(MemoryObject::Habit::stored, i);
    }
    auto frames = world::free_frames();
    {
        auto space = AddressSpace::create().take();
        auto map = [&](std::uint32_t first, std::uint32_t more) {
            MapRequest q{.address = Vaddr{0x4000'0000} + first * page_size,
                         .bytes = 2 * page_size,
                         .prot = page_read | page_write,
                         .flags = map_private | map_fixed | more,
                         .file = {},
                         .offset = std::uint64_t{first} * page_size,
                         .object = Ref<MemoryObject>{file}};
            auto at = space->map(q).value();
            space->map_expected(at, false);
            return at;
        };
        auto first = map(0, 0);
        char byte = 7;
        REQUIRE(space->write_remote(first, &byte, 1).ok());
        map(2, map_populate);  // joins the one before it, and has its pages
        CHECK(space->mapped_pages() == 4);
        byte = 0;
        REQUIRE(space->read_remote(first, &byte, 1).ok());
        CHECK(byte == 7);
    }
    CHECK(world::free_frames() == frames);
}
