// SPDX-License-Identifier: MIT
// What a front end may write into a request: anything. What decode() lets
// through keeps its promises (request.hpp).
#include "world.hpp"
#include <cstring>
#include <drivers/blkback/request.hpp>
#include <random>

using namespace blkback;

namespace {
void check_promises(Request const &r)
{
    CHECK(r.segments <= max_segments);
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < r.segments; ++i) {
        auto const &s = r.segment[i];
        CHECK(s.first_sect <= s.last_sect && s.last_sect <= 7);
        sum += s.last_sect - s.first_sect + 1u;
    }
    if (r.kind != Kind::discard)
        CHECK_EQ(r.sectors, sum);
    CHECK(r.sector + r.sectors >= r.sector);
    if (r.kind == Kind::read || r.kind == Kind::write)
        CHECK(r.segments != 0);
}
}  // namespace

TEST(request, what_is_let_through_is_sound)
{
    std::mt19937 random{1};
    unsigned good = 0;
    for (int i = 0; i < 400'000; ++i) {
        blkif_request q;
        for (std::size_t at = 0; at < sizeof q; ++at)
            reinterpret_cast<unsigned char *>(&q)[at] = static_cast<unsigned char>(random());
        q.operation = static_cast<std::uint8_t>(random() % 9);
        if (random() % 2)
            q.nr_segments = static_cast<std::uint8_t>(random() % 13);
        if (random() % 2)
            for (auto &s : q.seg)
                s.first_sect = s.first_sect % 4, s.last_sect = static_cast<std::uint8_t>(4 + s.last_sect % 5);
        Request r;
        auto decoded = decode(q, r);
        if (q.operation == BLKIF_OP_INDIRECT) {
            blkif_request_indirect d;
            std::memcpy(&d, &q, sizeof d);
            CHECK_EQ(r.id, d.id);
            if (!decoded.ok())
                continue;
            for (auto &s : r.segment)  // what the granted page held
                s = {static_cast<grant_ref_t>(random()), static_cast<std::uint8_t>(random() % 9),
                     static_cast<std::uint8_t>(random() % 9)};
            decoded = check_segments(r);
        } else {
            CHECK_EQ(r.operation, q.operation);
        }
        if (!decoded.ok())
            continue;
        ++good;
        check_promises(r);
    }
    CHECK(good > 10'000);
}
