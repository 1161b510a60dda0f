// SPDX-License-Identifier: MIT
// The page tables of an address space, over a fake that enforces a hypervisor's rules (fake/mmu_impl.hpp): the mistakes of a
// port die here, in milliseconds.
#include "kernel_side.hpp"
#include <arch/boot.hpp>
#include <arch/mmu.hpp>
#include <arch/page_tables.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <pte_bits.hpp>
#include <random>
#include <vector>

using namespace arch;

namespace {
constexpr std::uint8_t rw = prot_read | prot_write, rx = prot_read | prot_exec;
constexpr Pfn data_frame{400};  // not handed out in these tests: the free list is taken from the other end

struct Machine {
    Machine(unsigned limit = ~0u)
    {
        mmu().reset();
        Frames::reset(limit);
    }
    ~Machine()
    {
        PageTables::leave_dead();
        for (auto const &b : mmu().breaches())
            FAIL_CHECK(b);
        CHECK(Frames::in_use() == 0);
    }
};

Pte touched(Vaddr v) { return Pte{mmu().touch(v)}; }

void count(void *n, Pfn) { ++*static_cast<unsigned *>(n); }
}  // namespace

TEST_CASE("a mapping is there after commit, with its rights and no others")
{
    Machine machine;
    PageTables tables;
    REQUIRE(tables.create().ok());
    tables.load();
    Vaddr v{0x0804'8000};
    REQUIRE(tables.map(v, data_frame, rx).ok());
    REQUIRE(tables.commit().ok());
    CHECK(touched(v).frame() == Mmu::to_machine(data_frame));
    CHECK(touched(v).has(Pte::US));
    CHECK_FALSE(touched(v).has(Pte::RW));
    CHECK_FALSE(touched(v).has(Pte::NX));
    CHECK(touched(v + page_size).raw() == 0);

    Mapping m{};
    REQUIRE(tables.lookup(v, m));
    CHECK(m.frame == data_frame);
    CHECK(m.protection == rx);
    CHECK_FALSE(tables.lookup(v - page_size, m));
}

TEST_CASE("what was taken away is not found in the TLB")
{
    Machine machine;
    PageTables tables;
    REQUIRE(tables.create().ok());
    tables.load();
    Vaddr v{0x4000'0000};
    REQUIRE(tables.map(v, data_frame, rw).ok());
    REQUIRE(tables.commit().ok());
    CHECK(touched(v).has(Pte::RW));
    tables.protect(v, prot_read);
    REQUIRE(tables.commit().ok());
    CHECK_FALSE(touched(v).has(Pte::RW));
    tables.unmap(v);
    REQUIRE(tables.commit().ok());
    CHECK(touched(v).raw() == 0);
}

TEST_CASE("a new L2 under the loaded root is seen by the processor")
{
    Machine machine;
    PageTables tables;
    REQUIRE(tables.create().ok());
    tables.load();
    for (auto v : {Vaddr{0x1000}, Vaddr{0x4000'1000}, Vaddr{0xbfff'f000}}) {
        REQUIRE(tables.map(v, data_frame, rw).ok());
        REQUIRE(tables.commit().ok());
        CHECK(touched(v).present());
    }
}

TEST_CASE("a page without rights keeps its frame and its dirtiness")
{
    Machine machine;
    PageTables tables;
    REQUIRE(tables.create().ok());
    tables.load();
    Vaddr v{0x0900'0000};
    REQUIRE(tables.map(v, data_frame, rw).ok());
    REQUIRE(tables.commit().ok());
    auto dirty = user_entry(Mmu::to_machine(data_frame), rw, Pte::NX).with(Pte::D | Pte::A);
    CHECK(is_dirty(with_protection(dirty, prot_none, Pte::NX)));
    CHECK(with_protection(with_protection(dirty, prot_none, Pte::NX), rw, Pte::NX).has(Pte::D));
    tables.protect(v, prot_none);
    REQUIRE(tables.commit().ok());
    CHECK(touched(v).raw() == 0);
    Mapping m{};
    REQUIRE(tables.lookup(v, m));
    CHECK(m.frame == data_frame);
    CHECK(m.protection == prot_none);
    tables.protect(v, rw);
    REQUIRE(tables.commit().ok());
    CHECK(touched(v).has(Pte::RW | Pte::US));
}

TEST_CASE("fork shares every page and takes write permission from both sides")
{
    Machine machine;
    PageTables parent, child;
    REQUIRE(parent.create().ok());
    REQUIRE(child.create().ok());
    parent.load();
    std::vector<Vaddr> pages{Vaddr{0x1000}, Vaddr{0x1f'f000}, Vaddr{0x20'0000}, Vaddr{0xbfff'e000}};
    for (auto v : pages)
        REQUIRE(parent.map(v, data_frame, rw).ok());
    REQUIRE(parent.commit().ok());
    for (auto v : pages)
        CHECK(touched(v).has(Pte::RW));
    unsigned shared = 0;
    REQUIRE(parent.share(child, Vaddr{}, user_limit, true, count, &shared).ok());
    REQUIRE(parent.commit().ok());
    CHECK(shared == pages.size());
    for (auto v : pages)
        CHECK_FALSE(touched(v).has(Pte::RW));
    child.load();
    for (auto v : pages) {
        CHECK(touched(v).frame() == Mmu::to_machine(data_frame));
        CHECK_FALSE(touched(v).has(Pte::RW));
    }
}

TEST_CASE("of pages that can be made again, those go along that were touched")
{
    Machine machine;
    PageTables parent, child;
    REQUIRE(parent.create().ok());
    REQUIRE(child.create().ok());
    parent.load();
    Vaddr const start{0x0804'8000};
    for (unsigned i = 0; i < 600; ++i)  // over two tables
        REQUIRE(parent.map(start + i * page_size, data_frame + i % 64, rx).ok());
    REQUIRE(parent.commit().ok());
    for (unsigned i : {3u, 200u, 500u, 599u})
        CHECK(touched(start + i * page_size).present());
    unsigned shared = 0;
    REQUIRE(parent.share(child, start, start + 600 * page_size, true, count, &shared, 3).ok());
    REQUIRE(child.commit().ok());
    CHECK(shared == 3);
    CHECK(child.in_use() == 3);
    Mapping m{};
    for (unsigned i : {3u, 200u, 500u})
        CHECK(child.lookup(start + i * page_size, m));
}

TEST_CASE("unmapping a range gives its tables back")
{
    Machine machine;
    PageTables tables;
    REQUIRE(tables.create().ok());
    tables.load();
    auto before = Frames::in_use();
    for (std::uint32_t i = 0; i < 8; ++i)
        REQUIRE(tables.map(Vaddr{0x1000'0000 + (i << l2_shift)}, data_frame + i, rw).ok());
    REQUIRE(tables.commit().ok());
    CHECK(Frames::in_use() > before);
    std::vector<Pfn> found;
    auto keep = [](void *list, Pfn f, bool) { static_cast<std::vector<Pfn> *>(list)->push_back(f); };
    tables.unmap_range(Vaddr{0x1000'0000}, Vaddr{0x1000'0000 + (8u << l2_shift)}, keep, &found);
    REQUIRE(tables.commit().ok());
    CHECK(found.size() == 8);
    CHECK(Frames::in_use() <= before + 1);  // the L2 may stay
    CHECK(touched(Vaddr{0x1000'0000}).raw() == 0);
}

TEST_CASE("a table stays whose new entries still wait when its others go")
{
    Machine machine;
    PageTables tables;
    REQUIRE(tables.create().ok());
    tables.load();
    Vaddr const old{0x1000'0000}, beside{0x1000'3000};
    REQUIRE(tables.map(old, data_frame, rw).ok());
    REQUIRE(tables.commit().ok());
    REQUIRE(tables.map(beside, data_frame + 1, rw).ok());
    tables.unmap_range(
        old, old + page_size, [](void *, Pfn, bool) {}, nullptr);
    REQUIRE(tables.commit().ok());
    CHECK(touched(old).raw() == 0);
    CHECK(touched(beside).present());
    CHECK(tables.in_use() == 1);
}

TEST_CASE("more tables than wait for one flush, in spaces that are loaded or not")
{
    for (bool loaded : {true, false}) {
        Machine machine;
        PageTables tables;
        REQUIRE(tables.create().ok());
        if (loaded)
            tables.load();
        auto before = Frames::in_use();
        Vaddr const start{0x1000'0000};
        constexpr std::uint32_t n = 70;
        for (std::uint32_t i = 0; i < n; ++i)
            REQUIRE(tables.map(start + (i << l2_shift), data_frame + i % 64, rw).ok());
        REQUIRE(tables.commit().ok());
        unsigned told = 0;
        tables.unmap_range(
            start, start + (n << l2_shift), [](void *count, Pfn, bool) { ++*static_cast<unsigned *>(count); }, &told);
        CHECK(told == n);
        CHECK(tables.in_use() == 0);
        CHECK(Frames::in_use() <= before + 1);
    }
}

TEST_CASE("the loaded address space ends when another is loaded, and tells of what it had mapped")
{
    static std::vector<Pfn> told;
    told.clear();
    for (bool kernel_next : {true, false}) {
        Machine machine;
        PageTables next;
        REQUIRE(next.create().ok());
        auto others = Frames::in_use();
        {
            PageTables tables;
            REQUIRE(tables.create().ok());
            REQUIRE(tables.map(Vaddr{0x1000}, data_frame, rw).ok());
            tables.load();
            CHECK(touched(Vaddr{0x1000}).present());
            tables.destroy([](Pfn f, bool accessed) {
                if (accessed)
                    told.push_back(f);
            });
            CHECK_FALSE(tables.exists());
        }
        CHECK(told.empty());
        CHECK(Frames::in_use() > others);
        kernel_next ? PageTables::leave_dead() : next.load();
        CHECK(mmu().loaded_root() != no_pfn);
        CHECK((mmu().loaded_root() == Mmu::kernel_root()) == kernel_next);
        CHECK(told == std::vector<Pfn>{data_frame});
        CHECK(Frames::in_use() == others);
        told.clear();
    }
}

TEST_CASE("without frames everything fails and nothing is lost")
{
    for (unsigned limit = 0; limit < 5; ++limit) {
        Machine machine{limit};
        PageTables tables;
        if (!tables.create().ok())
            continue;
        auto mapped = tables.map(Vaddr{0x1000}, data_frame, rw);
        CHECK(mapped.ok() == (limit >= 3));  // root, L2, L1
        CHECK(tables.commit().ok());
    }
}

TEST_CASE("kernel mappings are global, and gone when unmapped")
{
    Machine machine;
    Vaddr v{0xc000'5000};  // the fake's one kernel table
    REQUIRE(PageTables::map_kernel(v, data_frame, rw).ok());
    CHECK(Mmu::kernel_slot(v)->has(Pte::P | Pte::RW | Pte::G | Pte::NX));
    CHECK_FALSE(Mmu::kernel_slot(v)->has(Pte::US));
    PageTables::unmap_kernel(v);
    CHECK(Mmu::kernel_slot(v)->raw() == 0);
}

namespace {
// Random histories of two address spaces against a plain map of what should be there.
struct History {
    std::mt19937 random{2026};
    PageTables tables[2];
    std::map<std::uint32_t, std::pair<Pfn, std::uint8_t>> model[2];
    unsigned loaded = 0;

    unsigned pick(unsigned n) { return random() % n; }
    Vaddr page()
    {
        constexpr std::uint32_t bases[] = {0x0000'0000, 0x0804'8000, 0x3fff'f000, 0x4000'0000, 0xbfbf'e000};
        return Vaddr{bases[pick(5)] + (pick(4) << page_shift) + (pick(3) << l2_shift & 0x003f'ffff)};
    }
    std::uint8_t rights() { return static_cast<std::uint8_t>(pick(8) | (pick(4) ? prot_read : 0)); }
    static std::uint8_t seen_as(std::uint8_t p)
    {
        return p == prot_none ? p : static_cast<std::uint8_t>(p | prot_read);
    }

    void step()
    {
        auto s = pick(2);
        auto v = page();
        switch (pick(8)) {
        case 0:
        case 1:
        case 2: {
            auto f = data_frame + pick(64);
            auto r = rights();
            REQUIRE(tables[s].map(v, f, r).ok());
            model[s][v.raw()] = {f, r};
            break;
        }
        case 3:
            tables[s].unmap(v);
            model[s].erase(v.raw());
            break;
        case 4: {
            auto r = rights();
            tables[s].protect(v, r);
            if (auto m = model[s].find(v.raw()); m != model[s].end())
                m->second.second = r;
            break;
        }
        case 5: {
            auto end = v + (pick(600) << page_shift);
            end = end < v || end > user_limit ? user_limit : end;
            tables[s].unmap_range(
                v, end, [](void *, Pfn, bool) {}, nullptr);
            model[s].erase(model[s].lower_bound(v.raw()), model[s].lower_bound(end.raw()));
            break;
        }
        case 6: fork_into(s); break;
        case 7:
            tables[s].load();
            loaded = s;
            break;
        }
        REQUIRE(tables[s].commit().ok());
    }
    void fork_into(unsigned child)
    {
        auto parent = 1 - child;
        tables[child].destroy();
        REQUIRE(tables[child].create().ok());
        unsigned shared = 0;
        REQUIRE(tables[parent].share(tables[child], Vaddr{}, user_limit, true, count, &shared).ok());
        for (auto &[address, mapping] : model[parent])
            mapping.second &= static_cast<std::uint8_t>(~prot_write);
        for (auto &[address, mapping] : model[parent])
            if (mapping.second == prot_none && !is_held(parent, address))
                mapping.second = prot_read;
        model[child] = model[parent];
        REQUIRE(tables[parent].commit().ok());
        tables[loaded].load();
    }
    bool is_held(unsigned s, std::uint32_t address)
    {
        Mapping m{};
        return tables[s].lookup(Vaddr{address}, m) && m.protection == prot_none;
    }
    void compare()
    {
        for (unsigned s = 0; s < 2; ++s) {
            std::size_t seen = 0;
            tables[s].for_each(
                Vaddr{}, user_limit, [](void *n, Vaddr, Mapping const &) { ++*static_cast<std::size_t *>(n); }, &seen);
            REQUIRE(seen == model[s].size());
            for (auto const &[address, expected] : model[s]) {
                Mapping m{};
                REQUIRE(tables[s].lookup(Vaddr{address}, m));
                REQUIRE(m.frame == expected.first);
                REQUIRE(m.protection == seen_as(expected.second));
                if (s == loaded)
                    REQUIRE((mmu().touch(Vaddr{address}) & Pte::RW)
                            == (expected.second & prot_write ? std::uint64_t{Pte::RW} : 0));
            }
        }
    }
};
}  // namespace

TEST_CASE("random histories end where the model ends")
{
    Machine machine;
    History h;
    REQUIRE(h.tables[0].create().ok());
    REQUIRE(h.tables[1].create().ok());
    h.tables[0].load();
    for (int i = 0; i < 4000; ++i) {
        h.step();
        if (i % 20 == 0)
            h.compare();
        REQUIRE(mmu().breaches().empty());
    }
}
