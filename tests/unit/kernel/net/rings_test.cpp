// SPDX-License-Identifier: MIT
// Both ends of netif.h against each other, and each against an other end that writes anything anywhere.
#include "pv_fake.hpp"
#include "world.hpp"
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <drivers/netback/netback.hpp>
#include <drivers/netfront/netfront.hpp>
#include <kernel/net/train.hpp>

using namespace kernel::net;
using kernel::Ref;
using world::Bytes;

namespace {
world::Side const here{{2, 0, 0, 0, 0, 1}, 0x0a000001, 4000}, there{{2, 0, 0, 0, 0, 2}, 0x0a000002, 80};

// Where packets arrive.
class Sink final : public NetDevice {
public:
    Sink() : NetDevice{Kind::ethernet, "sink%u"} {}
    char const *driver_name() const override { return "sink"; }
    bool transmit(Packet &p) override
    {
        p = Packet{};
        return true;
    }
};

struct Got {
    Bytes bytes;
    Checksum checksum;
    std::uint16_t segment_bytes;
};
std::vector<Got> got;

void arrived(NetDevice &, Packet p) { got.push_back({world::bytes_of(p.get()), p.checksum(), p->segment_bytes}); }

struct Pair {
    std::unique_ptr<netfront::TransmitSide> front;
    std::unique_ptr<netback::Gather> back;
    std::unique_ptr<netfront::ReceiveSide> front_receive;
    std::unique_ptr<netback::Scatter> back_send;
    netback::RateLimit rate;
    Ref<Sink> sink = kernel::make_ref<Sink>().take();
    Pair() { open(); }
    ~Pair()
    {
        Guard guard;
        end();
    }
    void open()
    {
        front = std::make_unique<netfront::TransmitSide>();
        back = std::make_unique<netback::Gather>();
        front_receive = std::make_unique<netfront::ReceiveSide>();
        back_send = std::make_unique<netback::Scatter>();
        REQUIRE(front->open(0).ok());
        REQUIRE(back->open(1, front->ring.pages().ref(0), kernel::make_ref<FramePool>().take()).ok());
        REQUIRE(front_receive->open(0).ok());
        REQUIRE(back_send->open(1, front_receive->ring.pages().ref(0)).ok());
        front_receive->refill();
        front_receive->ring->push();
    }
    void end()  // lock held
    {
        front.reset();
        back.reset();
        front_receive.reset();
        back_send.reset();
    }
};

// A packet as the kernel sends them: headers in the heap, data in pages or not.
Packet sample(bool in_pages, std::size_t n)
{
    Bytes data(n);
    for (auto &c : data)
        c = static_cast<unsigned char>(world::chance(256));
    auto frame = world::tcp_frame(here, there, {world::chance(0xffff'ffff), 1, 16}, data);
    constexpr std::size_t header = 54;
    if (!in_pages || n == 0)
        return with_blank_checksum(world::packet_of(frame, 1 + world::chance(3000)));
    auto p = world::packet_of(Bytes{frame.begin(), frame.begin() + header});
    for (std::size_t at = 0; at < n;) {
        auto f = kernel::allocate_zeroed_frame().value();
        auto offset = at ? 0 : world::chance(4000);
        auto part = std::min<std::size_t>(page_size - offset, n - at);
        std::memcpy(static_cast<char *>(kernel::frame_address(f)) + offset, data.data() + at, part);
        pbuf_cat(p.get(), packet_of_frame(f, offset, static_cast<std::uint32_t>(part)).release());
        at += part;
    }
    return with_blank_checksum(std::move(p));
}

Packet train(std::size_t n)
{
    auto p = sample(true, n);
    p->segment_bytes = 1448;
    return depart(std::move(p));
}
}  // namespace

TEST_CASE("what a front end sends arrives as it was", "[rings]")
{
    world::begin();
    auto const frames = world::frames_in_use();
    {
        Guard guard;
    }
    {
        Pair pair;
        for (unsigned i = 0; i < 3000; ++i) {
            Guard guard;
            auto p = i % 3 == 0 ? train(3000 + world::chance(50'000)) : sample(i % 2, world::chance(1461));
            auto expected = world::bytes_of(p.get());
            auto segments = p->segment_bytes;
            got.clear();
            REQUIRE(pair.front->put(p, true) == netfront::TransmitSide::Put::done);
            pair.front->ring->push();
            unsigned spent = 0;
            REQUIRE(pair.back->take(64, spent, pair.rate, *pair.sink, arrived));
            pair.back->ring->push();
            REQUIRE(got.size() == 1);
            CHECK((got[0].bytes == expected));
            CHECK(got[0].checksum == Checksum::blank);
            CHECK(got[0].segment_bytes == segments);
            REQUIRE(pair.front->reap());
            CHECK(pair.front->ring->in_flight() == 0);
        }
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}

TEST_CASE("what a back end sends arrives as it was", "[rings]")
{
    world::begin();
    auto const frames = world::frames_in_use();
    {
        Pair pair;
        auto wire = world::plug("rx%u", 0x51);
        struct Seen final : Tap {
            std::vector<Got> all;
            void see(NetDevice &, pbuf *p, bool outgoing) override
            {
                if (!outgoing)
                    all.push_back({world::bytes_of(p), static_cast<Checksum>(p->checksum_state), p->segment_bytes});
            }
        } seen;
        wire->taps.push_back(seen);
        for (unsigned i = 0; i < 3000; ++i) {
            Guard guard;
            auto p = i % 3 == 0 ? train(3000 + world::chance(50'000)) : sample(i % 2, world::chance(1461));
            auto expected = world::bytes_of(p.get());
            auto segments = p->segment_bytes;
            seen.all.clear();
            REQUIRE(pair.back_send->put(p) == netback::Scatter::Put::done);
            pair.back_send->push();
            unsigned done = 0;
            REQUIRE(pair.front_receive->take(64, done, *wire));
            pair.front_receive->refill();
            pair.front_receive->ring->push();
            REQUIRE(seen.all.size() == 1);
            CHECK((seen.all[0].bytes == expected));
            CHECK(seen.all[0].checksum == Checksum::blank);
            CHECK(seen.all[0].segment_bytes == segments);
        }
        seen.unlink();
        world::unplug(wire);
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}

TEST_CASE("a full ring takes no more, and goes on when it was emptied", "[rings]")
{
    world::begin();
    Pair pair;
    Guard guard;
    unsigned put = 0;
    for (;; ++put) {
        auto p = sample(false, 100);
        if (pair.front->put(p, true) != netfront::TransmitSide::Put::done)
            break;
    }
    CHECK(put == netfront::slots);
    pair.front->ring->push();
    got.clear();
    for (unsigned i = 0; i < 20; ++i) {
        unsigned spent = 0;
        REQUIRE(pair.back->take(64, spent, pair.rate, *pair.sink, arrived));
        pair.back->ring->push();
    }
    CHECK(got.size() == put);
    REQUIRE(pair.front->reap());
    auto p = sample(false, 100);
    CHECK(pair.front->put(p, true) == netfront::TransmitSide::Put::done);
}

TEST_CASE("lies about sizes are answered with errors, lies about slots end the connection", "[rings]")
{
    world::begin();
    Pair pair;
    Guard guard;
    auto &ring = pair.front->ring;
    auto ask = [&](netif_tx_request r) {
        ring->put(r);
        ring->push();
        got.clear();
        unsigned spent = 0;
        return pair.back->take(64, spent, pair.rate, *pair.sink, arrived);
    };
    auto errors = pair.sink->counters.rx_errors;
    CHECK(ask({9999, 0, 0, 1, 60}));               // nothing was lent there
    CHECK(ask({8, 4090, 0, 2, 60}));               // across the page's end
    CHECK(ask({8, 0, 0, 3, 5}));                   // less than a header
    CHECK(ask({8, 0, NETTXF_csum_blank, 4, 60}));  // no TCP in it
    CHECK(pair.sink->counters.rx_errors == errors + 4);
    CHECK(got.empty());
    CHECK_FALSE(ask({8, 0, NETTXF_more_data, 5, 60}));  // goes on nowhere
}

TEST_CASE("anything in the rings does no harm and leaves nothing behind", "[rings][fuzz]")
{
    auto text = std::getenv("LODGER_FUZZ_SECONDS");
    world::begin(static_cast<unsigned>(std::chrono::system_clock::now().time_since_epoch().count()));
    auto const frames = world::frames_in_use();
    unsigned broken = 0, delivered = 0;
    {
        auto wire = world::plug("rx%u", 0x51);
        Pair pair;
        auto scribble = [](void *page) {
            auto bytes = static_cast<unsigned char *>(page);
            for (unsigned i = 0, n = world::chance(8); i < n; ++i)
                bytes[world::chance(4) ? 64 + world::chance(4032) : world::chance(64)] = static_cast<unsigned char>(
                    world::chance(256));
        };
        auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(text ? std::atof(text) : 4);
        while (std::chrono::steady_clock::now() < end) {
            world::refuse_grants(world::chance(4) ? 0 : 100);
            bool rough = world::chance(3) == 0;
            Guard guard;
            for (unsigned i = 0, n = world::chance(6); i < n; ++i) {
                auto p = world::chance(3) ? sample(world::chance(2), world::chance(1461))
                                          : train(1 + world::chance(60'000));
                if (pair.front->put(p, true) == netfront::TransmitSide::Put::no_room)
                    break;
            }
            pair.front->ring->push();
            if (rough)
                scribble(pair.front->ring.pages().address());
            unsigned spent = 0;
            got.clear();
            bool honest = pair.back->take(64, spent, pair.rate, *pair.sink, arrived);
            delivered += static_cast<unsigned>(got.size());
            pair.back->ring->push();
            if (rough)
                scribble(pair.front->ring.pages().address());
            honest = honest && pair.front->reap();
            for (unsigned i = 0, n = world::chance(6); i < n && honest; ++i) {
                auto p = world::chance(3) ? sample(world::chance(2), world::chance(1461))
                                          : train(1 + world::chance(60'000));
                auto put = pair.back_send->put(p);
                honest = put != netback::Scatter::Put::hostile;
                if (put == netback::Scatter::Put::no_room)
                    break;
            }
            if (honest)
                pair.back_send->push();
            if (rough)
                scribble(pair.front_receive->ring.pages().address());
            unsigned done = 0;
            honest = honest && pair.front_receive->take(64, done, *wire);
            if (honest) {
                pair.front_receive->refill();
                pair.front_receive->ring->push();
            }
            wire->sent.clear();
            if (!honest || world::chance(500) == 0) {
                pair.end();
                ++broken;
                pair.open();
            }
        }
        world::refuse_grants(0);
        world::unplug(wire);
    }
    for (unsigned i = 0; i < 200; ++i)
        world::jump(10'000);
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
    CHECK(delivered > 100);
    CHECK(broken > 3);
}
