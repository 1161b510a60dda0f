// SPDX-License-Identifier: MIT
// Virtqueues: what the device sees is what the standard says, suppression loses no wake-up, and a device that lies breaks its
// queue and nothing else.
#include "fake_device.hpp"
#include <catch2/catch.hpp>
#include <map>
#include <random>

using virtio::Piece;
using virtio::SplitQueue;

namespace {
void *cookie(std::uintptr_t n) { return reinterpret_cast<void *>(n); }

Piece piece(std::uint64_t address, std::uint32_t bytes) { return {Maddr{address}, bytes}; }

bool same(std::vector<Piece> const &a, std::vector<Piece> const &b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](Piece const &x, Piece const &y) { return x.address == y.address && x.bytes == y.bytes; });
}

// One chain out, of three descriptors with 300 writable bytes.
struct OneOut : FakeDevice {
    explicit OneOut(bool events = false) : FakeDevice{8, events}
    {
        Piece const readable[] = {piece(0x1000, 16)}, writable[] = {piece(0x2000, 100), piece(0x3000, 200)};
        REQUIRE(queue.add(readable, writable, cookie(7)).ok());
        chain = fetch().at(0);
    }
    void expect_broken()
    {
        SplitQueue::Done done{};
        CHECK_FALSE(queue.take(done));
        CHECK(queue.broken());
        Piece const any = piece(0x1000, 1);
        CHECK(queue.add({&any, 1}, {}, cookie(1)).error() == Error::io);
        CHECK_FALSE(queue.must_notify());
        CHECK_FALSE(queue.enable_interrupts());
        CHECK_FALSE(queue.take(done));
    }
    Chain chain;
};
}  // namespace

TEST_CASE("a chain reaches the device in order, with addresses above 4 GiB", "[queue]")
{
    FakeDevice d{8, GENERATE(false, true)};
    std::vector<Piece> readable{piece(0x1'2345'6789, 16), piece(0x2000, 1)}, writable{piece(0xf'ffff'f000, 4096)};
    REQUIRE(d.queue.add(readable, writable, cookie(1)).ok());
    CHECK(d.queue.free_descriptors() == 5);
    CHECK(d.queue.chains_out() == 1);
    CHECK(d.queue.must_notify());
    CHECK_FALSE(d.queue.must_notify());
    auto chains = d.fetch();
    REQUIRE(chains.size() == 1);
    CHECK(same(chains[0].readable, readable));
    CHECK(same(chains[0].writable, writable));
    SplitQueue::Done done{};
    CHECK_FALSE(d.queue.take(done));
    d.finish(chains[0].head, 4096);
    REQUIRE(d.queue.take(done));
    CHECK(done.cookie == cookie(1));
    CHECK(done.written == 4096);
    CHECK_FALSE(d.queue.take(done));
    CHECK(d.queue.free_descriptors() == 8);
    CHECK(d.queue.chains_out() == 0);
}

TEST_CASE("what does not fit or makes no sense is refused and changes nothing", "[queue]")
{
    FakeDevice d{4, false};
    Piece const one = piece(0x1000, 1), nothing = piece(0x1000, 0), huge = piece(0x1000, 0xffff'ffff);
    CHECK(d.queue.add({}, {}, cookie(1)).error() == Error::inval);
    CHECK(d.queue.add({&nothing, 1}, {}, cookie(1)).error() == Error::inval);
    CHECK(d.queue.add({&one, 1}, {&nothing, 1}, cookie(1)).error() == Error::inval);
    Piece const two_huge[] = {huge, one};
    CHECK(d.queue.add({}, two_huge, cookie(1)).error() == Error::inval);  // more than a used length can say
    std::vector<Piece> five(5, one), three(3, one);
    CHECK(d.queue.add(five, {}, cookie(1)).error() == Error::nospc);
    REQUIRE(d.queue.add(three, {}, cookie(1)).ok());
    CHECK(d.queue.add({&one, 1}, {&one, 1}, cookie(2)).error() == Error::nospc);
    CHECK(d.queue.free_descriptors() == 1);
    REQUIRE(d.queue.add({&one, 1}, {}, cookie(3)).ok());
    CHECK(d.queue.add({&one, 1}, {}, cookie(4)).error() == Error::nospc);
    CHECK(d.fetch().size() == 2);
}

TEST_CASE("chains of all lengths, used in any order, for several turns of the 16-bit indices", "[queue]")
{
    FakeDevice d{16, GENERATE(false, true)};
    std::mt19937 random{1};
    std::map<std::uintptr_t, FakeDevice::Chain> out;  // cookie -> what the device holds
    std::map<std::uint16_t, std::uintptr_t> by_head;
    std::uintptr_t next = 1;
    for (unsigned step = 0; step < 200'000; ++step) {
        std::vector<Piece> readable(random() % 4, piece(random(), 1 + random() % 100));
        std::vector<Piece> writable(random() % 3, piece(random(), 1 + random() % 100));
        auto wanted = readable.size() + writable.size();
        auto fits = wanted <= d.queue.free_descriptors();
        auto r = d.queue.add(readable, writable, cookie(next));
        REQUIRE(r.ok() == (fits && wanted != 0));
        (void)d.queue.must_notify();
        for (auto const &chain : d.fetch()) {
            REQUIRE(r.ok());
            REQUIRE(same(chain.readable, readable));
            REQUIRE(same(chain.writable, writable));
            out[next] = chain;
            by_head[chain.head] = next;
        }
        next += r.ok();
        while (!out.empty() && random() % 2) {
            auto it = std::next(out.begin(), static_cast<int>(random() % out.size()));
            d.finish(it->second.head, 0);
            SplitQueue::Done done{};
            REQUIRE(d.queue.take(done));
            REQUIRE(done.cookie == cookie(it->first));
            out.erase(it);
        }
        std::size_t used = 0;
        for (auto const &[c, chain] : out)
            used += chain.readable.size() + chain.writable.size();
        REQUIRE(d.queue.free_descriptors() == 16 - used);
        REQUIRE(d.queue.chains_out() == out.size());
    }
    CHECK(next > 3 * 65536 / 2);
}

TEST_CASE("the device is told when it wants to be told, and only then", "[suppression]")
{
    Piece const one = piece(0x1000, 1);
    SECTION("by the flag")
    {
        FakeDevice d{8, false};
        d.want_notifications(false);
        REQUIRE(d.queue.add({&one, 1}, {}, cookie(1)).ok());
        CHECK_FALSE(d.queue.must_notify());
        d.want_notifications(true);
        CHECK_FALSE(d.queue.must_notify());  // it has looked since, or will look before it sleeps
        REQUIRE(d.queue.add({&one, 1}, {}, cookie(1)).ok());
        CHECK(d.queue.must_notify());
    }
    SECTION("by the event index, also across the turn of the indices")
    {
        FakeDevice d{8, true};
        for (std::uint32_t index = 0; index < 70'000; ++index) {
            auto batch = 1 + index % 3;
            auto start = d.available()[1];
            auto event = static_cast<std::uint16_t>(start + index % 5);
            d.want_notification_at(event);
            for (unsigned i = 0; i < batch; ++i)
                REQUIRE(d.queue.add({&one, 1}, {}, cookie(1)).ok());
            REQUIRE(d.queue.must_notify() == (index % 5 < batch));
            for (auto const &chain : d.fetch())
                d.finish(chain.head, 0);
            SplitQueue::Done done{};
            while (d.queue.take(done)) {}
        }
    }
}

TEST_CASE("the driver is told of used chains while it wants that; none is missed when it asks again", "[suppression]")
{
    FakeDevice d{8, GENERATE(false, true)};
    Piece const one = piece(0x1000, 1);
    SplitQueue::Done done{};
    auto use_one = [&] {
        REQUIRE(d.queue.add({&one, 1}, {}, cookie(1)).ok());
        auto before = d.used_index();
        d.finish(d.fetch().at(0).head, 0);
        return d.interrupts(before);
    };
    for (unsigned turn = 0; turn < 70'000; ++turn) {
        REQUIRE(use_one());
        REQUIRE(d.queue.take(done));
        d.queue.disable_interrupts();
        REQUIRE_FALSE(use_one());
        REQUIRE(d.queue.take(done));
        REQUIRE_FALSE(use_one());
        REQUIRE(d.queue.enable_interrupts());  // that one came before the device knew
        REQUIRE(d.queue.take(done));
        REQUIRE_FALSE(d.queue.enable_interrupts());
    }
}

TEST_CASE("a hostile device breaks its queue: a head out of range", "[hostile]")
{
    OneOut d;
    d.finish(GENERATE(8u, 9u, 0xffffu, 0x1'0000u, 0x8000'0000u, 0xffff'ffffu), 0);
    d.expect_broken();
}

TEST_CASE("a hostile device: a descriptor that is not a head, or is free", "[hostile]")
{
    OneOut d;
    auto head = d.chain.head;
    for (std::uint32_t other = 0; other < 8; ++other) {
        OneOut fresh;
        if (other == head)
            continue;
        fresh.finish(other, 0);
        fresh.expect_broken();
    }
}

TEST_CASE("a hostile device: the same chain twice", "[hostile]")
{
    OneOut d;
    Piece const one = piece(0x9000, 1);
    REQUIRE(d.queue.add({&one, 1}, {}, cookie(8)).ok());
    d.finish(d.chain.head, 0);
    d.finish(d.chain.head, 0);
    SplitQueue::Done done{};
    REQUIRE(d.queue.take(done));
    d.expect_broken();
}

TEST_CASE("a hostile device: more written than there was room", "[hostile]")
{
    OneOut d;
    d.finish(d.chain.head, GENERATE(301u, 0x8000'0000u, 0xffff'ffffu));
    d.expect_broken();
}

TEST_CASE("an honest device: exactly as much written as there was room", "[hostile]")
{
    OneOut d;
    d.finish(d.chain.head, 300);
    SplitQueue::Done done{};
    REQUIRE(d.queue.take(done));
    CHECK(done.written == 300);
}

TEST_CASE("a hostile device: a used index that runs ahead", "[hostile]")
{
    OneOut d{GENERATE(false, true)};
    d.set_used_index(GENERATE(std::uint16_t{2}, std::uint16_t{9}, std::uint16_t{0x8000}, std::uint16_t{0xffff}));
    d.expect_broken();
}

TEST_CASE("a hostile device that rewrites descriptors and the available ring leads nobody astray", "[hostile]")
{
    OneOut d;
    auto free_before = d.queue.free_descriptors();
    for (unsigned i = 0; i < 8; ++i)
        d.descriptors()[i] = {0xffff'ffff'ffff'ffff, 0xffff'ffff, 0xffff, 0xffff};
    for (unsigned i = 0; i < 3 + 8; ++i)
        d.available()[i] = 0xffff;
    d.used_memory[1] = d.chain.head;
    d.used_memory[2] = 10;
    d.set_used_index(1);
    SplitQueue::Done done{};
    REQUIRE(d.queue.take(done));
    CHECK(done.cookie == cookie(7));
    CHECK(d.queue.free_descriptors() == free_before + 3);
    std::vector<Piece> all(8, piece(0x1000, 1));
    CHECK(d.queue.add(all, {}, cookie(9)).ok());  // every descriptor is there, once
}

// All that a device can write is noise; whatever happens, a cookie comes back at most once for each time it was given.
TEST_CASE("noise in everything that the device can write", "[hostile]")
{
    std::mt19937 random{GENERATE(range(0u, 300u))};
    FakeDevice d{8, random() % 2 == 0};
    std::map<void *, unsigned> out;
    for (unsigned step = 0; step < 300; ++step) {
        std::vector<Piece> readable(random() % 3, piece(random(), 1 + random() % 9)), writable(random() % 3, piece(1, 9));
        auto c = cookie(1 + random() % 5);
        if (d.queue.add(readable, writable, c).ok())
            ++out[c];
        switch (random() % 4) {
        case 0: d.used_memory[random() % ((6 + 8 * 8 + 3) / 4)] = static_cast<std::uint32_t>(random()) % 16; break;
        case 1: d.set_used_index(static_cast<std::uint16_t>(d.used_index() + random() % 3)); break;
        case 2: d.descriptors()[random() % 8].next = static_cast<std::uint16_t>(random()); break;
        default: d.available()[random() % 11] = static_cast<std::uint16_t>(random()); break;
        }
        (void)d.queue.must_notify();
        SplitQueue::Done done{};
        while (d.queue.take(done)) {
            REQUIRE(out[done.cookie] > 0);
            --out[done.cookie];
        }
        unsigned chains = 0;
        for (auto const &[c2, n] : out)
            chains += n;
        REQUIRE(d.queue.chains_out() == chains);
        REQUIRE(d.queue.free_descriptors() <= 8);
    }
}
