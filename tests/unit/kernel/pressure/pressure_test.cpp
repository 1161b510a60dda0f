// SPDX-License-Identifier: MIT
// Write-back and reclaim as they are, with threads that take turns, over a disk in memory that answers later.
#include "threads.hpp"
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <kernel/memory/page_cache.hpp>
#include <kernel/memory/reclaim.hpp>
#include <kernel/memory/write_back.hpp>
#include <map>
#include <vector>

using namespace kernel;

namespace {
// What each page of the file is full of; a write takes effect, and is answered, a millisecond later, `at_once` pages at a time.
struct DiskFile final : PageCache {
    std::map<std::uint32_t, unsigned char> disk;
    std::uint64_t bytes = 0;
    unsigned needs = 0;   // frames for what says where a page lies, each time
    unsigned failed = 0;  // times that there were none
    std::uint64_t size() const override { return bytes; }
    bool backed() const override { return true; }
    void write_copied(std::uint64_t end) override { bytes = std::max(bytes, end); }
    void read_pages(std::uint32_t first, std::uint32_t count) override
    {
        for (auto index = first; index < first + count; ++index) {
            std::memset(frame_address(resident_frame(index)), disk[index], page_size);
            page_read(resident_frame(index), true);
        }
    }
    void find_place()
    {
        WriteBackScope others_wait;
        std::vector<Pfn> held;
        while (held.size() < needs) {
            auto frame = allocate_frame();
            if (frame.ok()) {
                held.push_back(frame.value());
            } else if (!wait_for_memory()) {
                ++failed;
                break;
            }
        }
        for (auto f : held)
            unref_frame(f);
    }
    void write_pages(std::uint32_t first, std::uint32_t count) override
    {
        constexpr unsigned at_once = 16;
        for (auto index = first; index < first + count; ++index) {
            if ((index - first) % at_once == 0) {
                find_place();
                WaitQueue nobody;
                (void)wait_until(
                    nobody, [] { return false; }, Sleep::uninterruptible, arch::now_ns() + 1'000'000);
            }
            disk[index] = *static_cast<unsigned char *>(frame_address(resident_frame(index)));
            page_written(resident_frame(index), Error::none);
        }
    }
    void put(std::uint32_t index, unsigned char value)
    {
        unsigned char page[page_size];
        std::memset(page, value, page_size);
        auto buffer = IoBuffer::kernel(page, page_size);
        REQUIRE(write(buffer, std::uint64_t{index} << page_shift, ~0ull).value() == page_size);
    }
    unsigned char get(std::uint32_t index)
    {
        unsigned char byte = 0;
        auto buffer = IoBuffer::kernel(&byte, 1);
        REQUIRE(read(buffer, (std::uint64_t{index} << page_shift) + 1, size()).value() == 1);
        return byte;
    }
};

unsigned char value_of(unsigned file, std::uint32_t index)
{
    return static_cast<unsigned char>(index * 7 + file * 31 + 1);
}

// So many programs write files of so many pages; the most dirty pages that there ever were, beyond the limit of that moment.
std::int64_t write_files(std::vector<Ref<DiskFile>> &files, std::uint32_t pages)
{
    std::int64_t most = -1'000'000;
    for (unsigned i = 0; i < files.size(); ++i)
        threads::start([&files, &most, i, pages] {
            for (std::uint32_t index = 0; index < pages; ++index) {
                files[i]->put(index, value_of(i, index));
                auto const c = write_back_counts();
                most = std::max(most, std::int64_t{c.dirty} + c.writing - c.limit);
            }
            REQUIRE(files[i]->write_and_wait().ok());
        });
    threads::join();
    for (unsigned i = 0; i < files.size(); ++i)
        for (std::uint32_t index = 0; index < pages; ++index)
            REQUIRE(files[i]->get(index) == value_of(i, index));
    return most;
}

std::vector<Ref<DiskFile>> begin(unsigned files)
{
    world::begin(2048);
    static bool started = false;
    threads::begin();
    REQUIRE(!started);  // write-back is started once in a process: each case is run in its own
    started = true;
    start_write_back_threads();
    std::vector<Ref<DiskFile>> made;
    for (unsigned i = 0; i < files; ++i)
        made.push_back(make_ref<DiskFile>().take());
    return made;
}
}  // namespace

TEST_CASE("dirty pages stay within the limit, whoever writes, also while a program has most of memory")
{
    auto files = begin(4);
    CHECK(write_files(files, 3000) <= 4);
    std::vector<Pfn> held;
    while (reclaimable_frame_count() + frame_counts().free > 500) {
        auto frame = allocate_user_frame(false);
        REQUIRE((frame.ok() || wait_for_memory()));
        if (frame.ok())
            held.push_back(frame.value());
    }
    CHECK(write_back_counts().limit <= 250);
    CHECK(write_files(files, 1000) <= 4);
    for (auto f : held)
        unref_frame(f);
}

TEST_CASE("write-back that needs memory has some when programs have none, and ends when there is none at all")
{
    auto files = begin(3);
    for (auto &f : files)
        f->needs = 3;
    std::vector<Pfn> held;
    for (;;) {  // all that programs can have
        auto frame = allocate_user_frame(false);
        if (frame.ok())
            held.push_back(frame.value());
        else if (!wait_for_memory())
            break;
    }
    for (unsigned i = 0; i < 100; ++i) {  // but a few
        unref_frame(held.back());
        held.pop_back();
    }
    CHECK(write_files(files, 600) <= 4);
    for (auto &f : files)
        CHECK(f->failed == 0);
    unsigned passes = 0;
    while (passes < 100 && wait_for_memory(2000))  // more than there is: pages of files go, then it is in vain
        ++passes;
    CHECK(passes < 100);

    files[0]->needs = 4000;  // more than there is: it waits, in vain, and goes on
    files[0]->put(0, 9);
    threads::start([&] { REQUIRE(files[0]->write_and_wait().ok()); });
    threads::join();
    CHECK(files[0]->failed != 0);
    CHECK(files[0]->disk[0] == 9);
    for (auto f : held)
        unref_frame(f);
}
