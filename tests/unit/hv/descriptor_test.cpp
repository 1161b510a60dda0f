// SPDX-License-Identifier: MIT
// check_descriptor against its invariant, for every shape of descriptor at every edge: what passes reaches nothing above
// guest_segment_limit, is no system descriptor and has no DPL 0. What it computes itself is recomputed here from SDM 5.3.
#include <catch2/catch.hpp>
#include <hv/descriptor.hpp>

namespace {

using namespace hv;

constexpr std::uint32_t bases[] = {0,          1,          0xfff,      0x1000,     0xb7f1a840, 0xf57fffff,
                                   0xf5800000, 0xfbfff000, 0xfbfff001, 0xfbfffffe, 0xfbffffff, 0xfc000000,
                                   0xfe000000, 0xffff0000, 0xfffff000, 0xffffffff};
constexpr std::uint32_t limits[] = {0,       1,       0xfff,   0x1000,  0x7fff,  0xffff,
                                    0xf57ff, 0xfbffe, 0xfbfff, 0xfc000, 0xffffe, 0xfffff};

Descriptor make(std::uint32_t base, std::uint32_t limit, unsigned access, unsigned flags)
{
    return Descriptor{(limit & 0xffffull) | (base & 0xff'ffffull) << 16 | std::uint64_t{access} << 40
                      | std::uint64_t{limit >> 16} << 48 | std::uint64_t{flags} << 52 | std::uint64_t{base >> 24} << 56};
}

bool expands_down(Descriptor d) { return (d.type() & 0xc) == 4; }

// First and last linear address that the segment reaches, before wrapping.
struct Reach {
    std::uint64_t first, last;
};
Reach reach(Descriptor d)
{
    std::uint64_t base = d.base();
    if (!expands_down(d))
        return {base, base + d.limit()};
    std::uint64_t top = d.is_32bit() ? 0xffff'ffff : 0xffff;
    return {base + d.limit() + 1, base + top};
}

template <class F>
void every_shape(F f)
{
    for (std::uint32_t base : bases)
        for (std::uint32_t limit : limits)
            for (unsigned access = 0; access < 256; ++access)
                for (unsigned flags = 0; flags < 16; ++flags)
                    f(make(base, limit, access, flags));
}

}  // namespace

TEST_CASE("no descriptor that passes reaches the hypervisor", "[descriptor]")
{
    unsigned passed = 0, wrong = 0;
    every_shape([&](Descriptor before) {
        Descriptor d = before;
        if (!check_descriptor(d))
            return;
        ++passed;
        if (!before.present()) {
            wrong += d != before;
            return;
        }
        wrong += d.is_system() || d.dpl() == 0 || d.is_64bit();
        Reach r = reach(d);
        wrong += r.first <= r.last && r.last > guest_segment_limit;
        wrong += d.base() != before.base() || d.type() != before.type();
    });
    CHECK(passed > 100000);
    CHECK(wrong == 0);
}

TEST_CASE("a descriptor that fits stays as it is, and the check is stable", "[descriptor]")
{
    unsigned wrong = 0;
    every_shape([&](Descriptor before) {
        Descriptor d = before;
        if (!check_descriptor(d) || !d.present())
            return;
        Descriptor again = d;
        wrong += !check_descriptor(again) || again != d;
        bool fits = !expands_down(before) && reach(before).last <= guest_segment_limit;
        if (fits && before.dpl() && !before.is_64bit())
            wrong += d != before;
    });
    CHECK(wrong == 0);
}

TEST_CASE("what was refused is refused for a reason", "[descriptor]")
{
    unsigned wrong = 0;
    every_shape([&](Descriptor before) {
        Descriptor d = before;
        if (check_descriptor(d))
            return;
        bool reason = before.is_system() || before.base() > guest_segment_limit || expands_down(before);
        wrong += !reason || !before.present();
    });
    CHECK(wrong == 0);
}

TEST_CASE("a thread's segment is cut, recognised, widened and cut again", "[descriptor]")
{
    Descriptor tls = make(0xb7f1a840, 0xfffff, 0xf2, 12);
    Descriptor cut = tls;
    REQUIRE(check_descriptor(cut));
    CHECK(cut.limit() < tls.limit());
    CHECK(is_cut_user_segment(cut));
    CHECK(!is_cut_user_segment(tls));
    CHECK(widened(cut) == tls);
    Descriptor again = widened(cut);
    REQUIRE(check_descriptor(again));
    CHECK(again == cut);
    Descriptor kernel = make(0xb7f1a840, 0xfffff, 0xb2, 12);
    REQUIRE(check_descriptor(kernel));
    CHECK(!is_cut_user_segment(kernel));
    Descriptor flat = make(0, 0xfffff, 0xf2, 12);
    REQUIRE(check_descriptor(flat));
    CHECK(!is_cut_user_segment(flat));
}
