// SPDX-License-Identifier: MIT
// Who gets which frame.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <kernel/net/bridge.hpp>

using namespace kernel::net;
using kernel::Ref;
using world::Bytes;

namespace {
Bytes frame(std::uint8_t to, std::uint8_t from)
{
    Bytes b(60, 0);
    b[0] = b[6] = 2;
    b[5] = to;
    b[11] = from;
    b[12] = 0x88;
    b[13] = 0xb5;  // for experiments
    return b;
}
Bytes broadcast(std::uint8_t from)
{
    auto b = frame(0, from);
    std::fill_n(b.begin(), 6, 0xff);
    return b;
}

struct Net {
    Ref<NetDevice> bridge;
    Ref<world::Wire> a, b, c;
    Net()
    {
        world::begin();
        a = world::plug("port%u", 0x11);
        b = world::plug("port%u", 0x12);
        c = world::plug("port%u", 0x13);
        Guard guard;
        bridge = create_bridge("br%u").take();
        REQUIRE(bridge->bring_up().ok());
        for (auto port : {a, b, c})
            REQUIRE(bridge->as_bridge()->add_port(*port).ok());
        forget();
    }
    ~Net()
    {
        {
            Guard guard;
            bridge->bring_down();
            (void)delete_bridge(*bridge);
        }
        for (auto w : {&a, &b, &c})
            world::unplug(*w);
    }
    void forget()
    {
        for (auto w : {a, b, c})
            w->sent.clear();
    }
    std::string who()
    {
        std::string s;
        if (!a->sent.empty())
            s += 'a';
        if (!b->sent.empty())
            s += 'b';
        if (!c->sent.empty())
            s += 'c';
        forget();
        return s;
    }
};
}  // namespace

TEST_CASE("a bridge floods what it does not know and remembers who it saw", "[bridge]")
{
    Net n;
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who() == "bc");
    world::arrive(*n.b, frame(1, 2));
    CHECK(n.who() == "a");
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who() == "b");
    world::arrive(*n.c, broadcast(3));
    CHECK(n.who() == "ab");
    world::arrive(*n.c, frame(1, 2));  // station 2 has moved
    CHECK(n.who() == "a");
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who() == "c");
    world::arrive(*n.a, frame(1, 9));  // to somebody on the same port
    CHECK(n.who().empty());
}

TEST_CASE("stations are forgotten with age, and some time after their port", "[bridge]")
{
    Net n;
    world::arrive(*n.b, frame(9, 2));
    n.forget();
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who() == "b");
    world::now_ns += Bridge::ageing_ns + 1;
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who() == "bc");
    world::arrive(*n.b, frame(9, 2));
    n.forget();
    {
        Guard guard;
        CHECK(n.bridge->as_bridge()->remove_port(*n.b).ok());
    }
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who().empty());  // what is for it is not for others
    {
        Guard guard;
        n.bridge->send(world::packet_of(frame(2, 8)));
    }
    CHECK(n.who().empty());
    SECTION("nobody heard of it again")
    {
        world::now_ns += Bridge::away_ns + 1;
        world::arrive(*n.a, frame(2, 1));
        CHECK(n.who() == "c");
    }
    SECTION("it speaks at another port")
    {
        world::arrive(*n.c, frame(9, 2));
        n.forget();
        world::arrive(*n.a, frame(2, 1));
        CHECK(n.who() == "c");
    }
    SECTION("its port is there again")
    {
        {
            Guard guard;
            REQUIRE(n.bridge->as_bridge()->add_port(*n.b).ok());
        }
        world::arrive(*n.a, frame(2, 1));
        CHECK(n.who().empty());
        world::arrive(*n.b, broadcast(2));
        n.forget();
        world::arrive(*n.a, frame(2, 1));
        CHECK(n.who() == "b");
    }
}

TEST_CASE("invented addresses push nobody out but those of their bucket", "[bridge]")
{
    Net n;
    world::arrive(*n.b, frame(9, 2));
    for (unsigned i = 0; i < 20'000; ++i) {
        auto f = frame(9, 0);
        for (unsigned k = 7; k < 12; ++k)
            f[k] = static_cast<unsigned char>(world::chance(256));
        world::arrive(*n.a, f);
        if (i % 100 == 0)
            world::arrive(*n.b, frame(9, 2));  // who still talks stays known
        n.forget();
    }
    world::arrive(*n.b, frame(9, 2));
    n.forget();
    world::arrive(*n.a, frame(2, 1));
    CHECK(n.who() == "b");
}

TEST_CASE("a bridge's own address is its own", "[bridge]")
{
    Net n;
    Bytes f = frame(1, 1);
    std::copy_n(n.bridge->mac.bytes, 6, f.begin() + 6);  // somebody else claims it
    world::arrive(*n.c, f);
    n.forget();
    auto before = n.bridge->counters.rx_packets;
    f = frame(1, 1);
    std::copy_n(n.bridge->mac.bytes, 6, f.begin());
    world::arrive(*n.a, f);
    CHECK(n.who().empty());
    CHECK(n.bridge->counters.rx_packets == before + 1);
    auto link_local = frame(1, 1);
    Bytes const reserved{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};
    std::copy(reserved.begin(), reserved.end(), link_local.begin());
    world::arrive(*n.a, link_local);
    CHECK(n.who().empty());
}

TEST_CASE("a queue that is not emptied holds no more than its limit", "[bridge]")
{
    Net n;
    world::arrive(*n.b, frame(9, 2));
    n.forget();
    n.b->full = true;
    auto big = frame(2, 1);
    big.resize(1500);
    for (unsigned i = 0; i < 3000; ++i)
        world::arrive(*n.a, big);
    CHECK(n.b->queued() <= n.b->queue_limit);
    CHECK(n.b->queued_bytes() <= n.b->queue_byte_limit + 1500);
    CHECK(n.b->counters.tx_dropped > 0);
    n.b->full = false;
    {
        Guard guard;
        n.b->transmit_ready();
    }
    CHECK(n.b->queued() == 0);
    CHECK(n.b->queued_bytes() == 0);
}
