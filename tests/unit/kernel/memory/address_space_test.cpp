// SPDX-License-Identifier: MIT
// Address spaces against a model that knows one thing of each page: not mapped, or its protection, where its contents come from
// and what its first word is. Random mmap, munmap, mprotect, mremap, madvise, fork, reads and writes on several spaces.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <kernel/fs/file.hpp>
#include <kernel/memory/mman.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace kernel;

namespace {
constexpr unsigned page_count = 96;
constexpr Vaddr window{0x1ffd'0000};  // 0x2000_0000 lies inside: another page table

Vaddr page_at(unsigned i) { return window + i * page_size; }

struct SharedObject {
    Ref<MemoryObject> object;
    std::vector<std::uint32_t> words;
    explicit SharedObject(unsigned pages) : object{make_shared_memory(pages, "shm").take()}, words(pages) {}
};

struct Page {
    bool mapped = false, shared = false;
    std::uint32_t prot = 0, word = 0;
    SharedObject *object = nullptr;  // shared, or private and not written yet
    std::uint32_t index = 0;
    bool own = false;  // private: has contents of its own
    std::uint32_t value() const { return object && (shared || !own) ? object->words[index] : word; }
};

struct Space {
    Ref<AddressSpace> real;
    std::vector<Page> pages = std::vector<Page>(page_count);
};

struct Play {
    std::mt19937 random;
    std::vector<std::unique_ptr<SharedObject>> objects;
    std::vector<Space> spaces;

    explicit Play(unsigned seed) : random{seed}
    {
        for (unsigned i = 0; i < 3; ++i)
            objects.push_back(std::make_unique<SharedObject>(page_count));
        spaces.push_back({AddressSpace::create().take()});
    }
    unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
    std::uint32_t some_prot()
    {
        std::uint32_t const choices[] = {0, page_read, page_read | page_write, page_read | page_write,
                                         page_read | page_exec};
        return choices[below(5)];
    }

    void map(Space &s)
    {
        unsigned start = below(page_count), n = 1 + below(page_count - start < 12 ? page_count - start : 12);
        auto prot = some_prot();
        unsigned kind = below(4);  // private anonymous twice, private and shared object
        MapRequest q{.address = page_at(start),
                     .bytes = n * page_size - below(page_size),
                     .prot = prot,
                     .flags = map_fixed | (kind == 3 ? map_shared : map_private) | (kind < 2 ? map_anonymous : 0u),
                     .file = {},
                     .offset = 0};
        SharedObject *object = nullptr;
        unsigned index = 0;
        if (kind >= 2) {
            object = objects[below(3)].get();
            index = below(page_count - n + 1);
            q.object = object->object;
            q.offset = std::uint64_t{index} * page_size;
        }
        auto at = s.real->map(q);
        REQUIRE(at.ok());
        REQUIRE(at.value() == page_at(start));
        for (unsigned i = 0; i < n; ++i)
            s.pages[start + i] = {true, kind == 3, prot, 0, object, index + i, false};
    }
    void unmap(Space &s)
    {
        unsigned start = below(page_count), n = 1 + below(page_count - start);
        if (n > 10)
            n = 10;
        REQUIRE(s.real->unmap(page_at(start), n * page_size).ok());
        for (unsigned i = 0; i < n; ++i)
            s.pages[start + i] = {};
    }
    void protect(Space &s)
    {
        unsigned start = below(page_count), n = 1 + below(page_count - start);
        auto prot = some_prot();
        auto result = s.real->protect(page_at(start), n * page_size, prot);
        bool hole = false;
        for (unsigned i = start; i < start + n && !hole; ++i) {
            hole = !s.pages[i].mapped;
            if (!hole)
                s.pages[i].prot = prot;
        }
        REQUIRE(result.error() == (hole ? Error::nomem : Error::none));
    }
    void write(Space &s)
    {
        unsigned i = below(page_count);
        auto &p = s.pages[i];
        std::uint32_t word = static_cast<std::uint32_t>(random());
        auto done = s.real->write_remote(page_at(i), &word, sizeof word);
        auto expected = !p.mapped ? Error::fault : !(p.prot & page_write) ? Error::acces : Error::none;
        REQUIRE(done.error() == expected);
        if (expected != Error::none)
            return;
        if (p.shared && p.object) {
            p.object->words[p.index] = word;
        } else {
            p.own = true;
            p.word = word;
        }
    }
    void read(Space &s)
    {
        unsigned i = below(page_count);
        auto &p = s.pages[i];
        REQUIRE(s.real->fault(page_at(i), false, false).error()
                == (!p.mapped         ? Error::fault
                        : p.prot == 0 ? Error::acces
                                      : Error::none));
        if (!p.mapped || p.prot == 0)
            return;
        std::uint32_t word = ~0u;
        REQUIRE(s.real->read_remote(page_at(i), &word, sizeof word).ok());
        REQUIRE(word == p.value());
    }
    void drop(Space &s)
    {
        unsigned start = below(page_count), n = 1 + below(page_count - start);
        auto result = s.real->advise(page_at(start), n * page_size, madv_dontneed);
        bool hole = false;
        for (unsigned i = start; i < start + n; ++i) {
            hole |= !s.pages[i].mapped;
            if (s.pages[i].shared)
                continue;
            s.pages[i].own = false;
            s.pages[i].word = 0;
        }
        REQUIRE(result.error() == (hole ? Error::nomem : Error::none));
    }
    void move(Space &s)
    {
        unsigned from = below(page_count), n = 1 + below(6), to = below(page_count), m = 1 + below(6);
        if (from + n > page_count || to + m > page_count)
            return;
        if (from < to + m && to < from + n)
            return;
        for (unsigned i = from; i < from + n; ++i)
            if (!s.pages[i].mapped)
                return;
        auto at = s.real->remap(page_at(from), n * page_size, m * page_size, mremap_maymove | mremap_fixed, page_at(to));
        if (at.error() == Error::fault)
            return;  // more than one region: the model does not know where they end
        REQUIRE(at.ok());
        Page last = s.pages[from + n - 1];
        for (unsigned i = 0; i < m; ++i) {
            if (i < n) {
                s.pages[to + i] = s.pages[from + i];
                continue;
            }
            s.pages[to + i] = last;
            s.pages[to + i].own = false;
            s.pages[to + i].word = 0;
            s.pages[to + i].index = last.index + (i - (n - 1));
            if (last.object && s.pages[to + i].index >= page_count)
                s.pages[to + i].mapped = false;
        }
        for (unsigned i = from; i < from + n; ++i)
            s.pages[i] = {};
        for (unsigned i = 0; i < m; ++i)
            if (!s.pages[to + i].mapped)
                REQUIRE(s.real->unmap(page_at(to + i), page_size).ok());
        for (unsigned i = 0; i < m; ++i)
            if (!s.pages[to + i].mapped)
                s.pages[to + i] = {};
    }
    void fork(Space &s)
    {
        if (spaces.size() > 4) {
            auto victim = 1 + below(static_cast<unsigned>(spaces.size()) - 1);
            spaces.erase(spaces.begin() + victim);
            return;
        }
        auto child = s.real->fork();
        REQUIRE(child.ok());
        spaces.push_back({child.take(), s.pages});
    }
    void step()
    {
        auto i = below(static_cast<unsigned>(spaces.size()));
        auto &s = spaces[i];
        switch (below(20)) {
        case 0:
        case 1: return map(s);
        case 2: return unmap(s);
        case 3: return protect(s);
        case 4: return drop(s);
        case 5: return move(s);
        case 6: return fork(s);
        case 7:
        case 8:
        case 9:
        case 10:
        case 11: return read(s);
        default: return write(s);
        }
    }
    void check(Space const &s) const
    {
        unsigned mapped = 0;
        for (auto const &p : s.pages)
            mapped += p.mapped;
        REQUIRE(s.real->sizes().total_pages == mapped);
        Region const *before = nullptr;
        for (auto r = s.real->regions().first(); r; r = s.real->regions().next(*r)) {
            REQUIRE(r->start < r->end);
            if (before)
                REQUIRE(before->end <= r->start);
            before = r;
        }
    }
};
}  // namespace

TEST_CASE("address spaces do what the model says")
{
    for (unsigned seed = 1; seed <= 12; ++seed) {
        world::begin();
        auto const before = world::free_frames();
        {
            Play play{seed};
            for (unsigned i = 0; i < 3000; ++i) {
                play.step();
                if (i % 50 == 0)
                    for (auto const &s : play.spaces)
                        play.check(s);
            }
        }
        INFO("seed " << seed);
        REQUIRE(world::free_frames() == before);
    }
}

TEST_CASE("a shortage of memory is an error everywhere, and costs nothing afterwards")
{
    for (std::uint32_t frames = 140; frames < 220; frames += 7) {
        world::begin(frames);
        auto const before = world::free_frames();
        {
            auto space = AddressSpace::create();
            if (!space.ok())
                continue;
            auto &s = *space.value();
            MapRequest q{.address = {},
                         .bytes = 80 * page_size,
                         .prot = page_read | page_write,
                         .flags = map_private | map_anonymous,
                         .file = {},
                         .offset = 0};
            auto at = s.map(q);
            if (!at.ok())
                continue;
            for (unsigned i = 0; i < 60; ++i)
                (void)s.fault(at.value() + i * page_size, true, false);
            auto child = s.fork();
            if (child.ok())
                for (unsigned i = 0; i < 60; ++i)
                    (void)child.value()->fault(at.value() + i * page_size, true, false);
            (void)s.remap(at.value(), 80 * page_size, 300 * page_size, mremap_maymove, {});
        }
        REQUIRE(world::free_frames() == before);
    }
}

TEST_CASE("what maps shows")
{
    world::begin();
    auto s = AddressSpace::create().take();
    s->set_initial_break(Vaddr{0x0804'b000});
    REQUIRE(s->set_break(Vaddr{0x0806'c123}).value() == Vaddr{0x0806'c123});
    MapRequest stack{.address = Vaddr{0xbffd'f000},
                     .bytes = 0x21000,
                     .prot = 3,
                     .flags = map_private | map_anonymous | map_fixed | map_growsdown,
                     .file = {},
                     .offset = 0};
    REQUIRE(s->map(stack).ok());
    s->start_stack = Vaddr{0xbfff'f000};
    MapRequest shared{.address = {}, .bytes = 5, .prot = 5, .flags = map_shared | map_anonymous, .file = {}, .offset = 0};
    REQUIRE(s->map(shared).value() == Vaddr{0xb7ff'f000});
    char line[160];
    REQUIRE(s->describe_region(0, line, sizeof line));
    CHECK(std::string{line} == "0804b000-0806d000 rw-p 00000000 00:00 0          [heap]");
    REQUIRE(s->describe_region(1, line, sizeof line));
    CHECK(std::string{line}.substr(0, 38) == "b7fff000-b8000000 r-xs 00000000 00:01 ");
    CHECK(std::string{line}.substr(49) == "/dev/zero (deleted)");
    REQUIRE(s->describe_region(2, line, sizeof line));
    CHECK(std::string{line} == "bffdf000-c0000000 rw-p 00000000 00:00 0          [stack]");
    CHECK(!s->describe_region(3, line, sizeof line));
}

TEST_CASE("the stack grows to its limit and keeps its distance")
{
    world::begin();
    world::limits[rlimit_stack] = 1 << 20;
    auto s = AddressSpace::create().take();
    MapRequest stack{.address = Vaddr{0xbffd'f000},
                     .bytes = 0x21000,
                     .prot = 3,
                     .flags = map_private | map_anonymous | map_fixed | map_growsdown,
                     .file = {},
                     .offset = 0};
    REQUIRE(s->map(stack).ok());
    CHECK(s->fault(Vaddr{0xbffd'effc}, true, false).ok());
    CHECK(s->fault(Vaddr{0xbff1'0000}, true, false).ok());
    CHECK(s->sizes().total_pages == 0xf0);
    CHECK(s->fault(Vaddr{0xbfe0'0000}, true, false).error() == Error::fault);
    world::limits[rlimit_stack] = 8 << 20;
    MapRequest below{.address = Vaddr{0xbfd8'0000},
                     .bytes = page_size,
                     .prot = 1,
                     .flags = map_private | map_anonymous | map_fixed,
                     .file = {},
                     .offset = 0};
    REQUIRE(s->map(below).ok());
    CHECK(s->fault(Vaddr{0xbfe0'0000}, true, false).error() == Error::fault);
    CHECK(s->fault(Vaddr{0xbfe8'1000}, true, false).ok());
}

TEST_CASE("limits and bad requests")
{
    world::begin();
    auto s = AddressSpace::create().take();
    auto map = [&](std::uint32_t at, std::uint32_t bytes, std::uint32_t flags) {
        return s->map({.address = Vaddr{at}, .bytes = bytes, .prot = 3, .flags = flags, .file = {}, .offset = 0}).error();
    };
    CHECK(map(0, 0, map_private | map_anonymous) == Error::inval);
    CHECK(map(0, 4096, map_anonymous) == Error::inval);
    CHECK(map(0x1001, 4096, map_private | map_anonymous | map_fixed) == Error::inval);
    CHECK(map(0xbfff'f000, 8192, map_private | map_anonymous | map_fixed) == Error::nomem);
    CHECK(map(0, 0xffff'f000, map_private | map_anonymous | map_noreserve) == Error::nomem);
    CHECK(map(0x1000'0000, 8192, map_private | map_anonymous | map_fixed) == Error::none);
    CHECK(map(0x1000'1000, 4096, map_private | map_anonymous | map_fixed_noreplace) == Error::exist);
    CHECK(map(0, 40 << 20, map_private | map_anonymous) == Error::nomem);  // more than the machine has
    CHECK(map(0, 40 << 20, map_private | map_anonymous | map_noreserve) == Error::none);
    world::limits[rlimit_as] = 48 << 20;
    CHECK(map(0, 20 << 20, map_private | map_anonymous) == Error::nomem);
    CHECK(s->unmap(Vaddr{1}, 5).error() == Error::inval);
    CHECK(s->unmap(Vaddr{0xbfff'f000}, 8192).error() == Error::inval);
    CHECK(s->protect(Vaddr{0x1000'0000}, 4096, 0x10).error() == Error::inval);
    CHECK(s->remap(Vaddr{0x3000'0000}, 4096, 8192, 1, {}).error() == Error::fault);
    CHECK(s->remap(Vaddr{0x1000'0000}, 4096, 8192, 8, {}).error() == Error::inval);
    CHECK(s->advise(Vaddr{0x1000'0000}, 4096, 77).error() == Error::inval);
    CHECK(s->sync(Vaddr{0x1000'0000}, 4096, ms_async | ms_sync).error() == Error::inval);
    std::uint8_t resident[2];
    CHECK(s->fault(Vaddr{0x1000'1000}, true, false).ok());
    CHECK(s->resident(Vaddr{0x1000'0000}, 2, resident).ok());
    CHECK((resident[0] == 0 && resident[1] == 1));
    CHECK(s->resident(Vaddr{0x1000'1000}, 2, resident).error() == Error::nomem);
}
