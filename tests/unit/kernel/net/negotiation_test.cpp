// SPDX-License-Identifier: MIT
// A network's two drivers with a store between them: they find together, and again; a back end that says anything in any order.
#include "pv_fake.hpp"
#include "store_fake.hpp"
#include "world.hpp"
#include <catch2/catch.hpp>
#include <drivers/netback/netback.hpp>
#include <kernel/net/bridge.hpp>
#include <pvlib/device/bus.hpp>

using namespace kernel::net;
using world::store;

namespace {
constexpr char front_folder[] = "/local/domain/1/device/vif/0", back_folder[] = "/local/domain/0/backend/vif/1/0";

std::string node(char const *folder, char const *name) { return std::string{folder} + "/" + name; }

Packet frame()  // to everybody, of an experiment's type
{
    world::Bytes b(60, 0);
    std::fill_n(b.begin(), 6, 0xff);
    b[6] = 2;
    b[12] = 0x88;
    b[13] = 0xb5;
    return world::packet_of(b);
}

// Domain 1 with its front end; domain 0's part is the test's to make.
struct Town {
    xenbus::Bus fronts{xenbus::Side::front, "device", 3}, backs{xenbus::Side::back, "backend", 4};

    Town()
    {
        world::begin();
        REQUIRE(fronts.start().ok());
    }
    ~Town()
    {
        store.remove(back_folder);
        store.remove(front_folder);
        settle();
        if (auto bridge = find_device("xenbr0")) {
            Guard guard;
            bridge->bring_down();
            CHECK(delete_bridge(*bridge).ok());
        }
    }
    Town(Town const &) = delete;
    Town &operator=(Town const &) = delete;

    static void make_front()
    {
        store.set(node(front_folder, "backend"), back_folder);
        store.set(node(front_folder, "backend-id"), "0");
        store.set(node(front_folder, "mac"), "00:16:3e:00:00:01");
        store.set(node(front_folder, "state"), "1");
    }
    static void make_back()
    {
        store.set(node(back_folder, "frontend"), front_folder);
        store.set(node(back_folder, "frontend-id"), "1");
        store.set(node(back_folder, "state"), "1");
    }
    static NetDevice *guests() { return find_device("eth0"); }
    static NetDevice *domain0s() { return find_device("vif1.0"); }
    static void poll()
    {
        Guard guard;
        for (auto d : {guests(), domain0s()})
            if (d)
                d->poll(64);
    }
    static void settle()
    {
        while (store.tell_next()) {}
        for (int i = 0; i < 20; ++i)
            poll();
    }
    static void send(unsigned count)
    {
        Guard guard;
        for (unsigned i = 0; i < count; ++i)
            for (auto d : {guests(), find_device("xenbr0")})
                if (d)
                    d->send(frame());
    }
    static void check_it_works()
    {
        settle();
        REQUIRE(guests());
        REQUIRE(domain0s());
        CHECK(store.at(node(front_folder, "state")) == "4");
        CHECK(store.at(node(back_folder, "state")) == "4");
        {
            Guard guard;
            REQUIRE(guests()->bring_up().ok());
        }
        CHECK(guests()->carrier);
        CHECK(domain0s()->carrier);
        auto const one = guests()->counters.rx_packets, other = domain0s()->counters.rx_packets;
        send(40);
        settle();
        CHECK(guests()->counters.rx_packets == one + 40);
        CHECK(domain0s()->counters.rx_packets == other + 40);
    }
};
}  // namespace

TEST_CASE("front and back end find together, and again when the back end was gone", "[negotiation]")
{
    world::begin();
    auto const frames = world::frames_in_use();
    {
        Town town;
        REQUIRE(town.backs.start().ok());
        Town::make_front();
        Town::make_back();
        Town::check_it_works();
        CHECK(store.at(node(front_folder, "multi-queue-num-queues")) == "3");
        std::size_t grants = 0, in_use = 0;
        for (unsigned i = 0; i < 60; ++i) {
            // In full flow, at any moment.
            Town::send(world::chance(400));
            for (auto n = world::chance(3); n; --n)
                Town::poll();
            store.remove(back_folder);
            for (auto n = world::chance(8); n; --n)
                store.tell_next();
            Town::send(world::chance(400));
            Town::settle();
            CHECK(store.at(node(front_folder, "state")) == "6");
            CHECK_FALSE(Town::guests()->carrier);
            CHECK(!Town::domain0s());
            CHECK(world::grants_out() == 0);
            Town::make_back();
            for (auto n = world::chance(8); n; --n) {
                store.tell_next();
                Town::send(world::chance(100));
                Town::poll();
            }
            Town::check_it_works();
            if (i == 20) {
                grants = world::grants_out();
                in_use = world::frames_in_use();
            }
        }
        CHECK(world::grants_out() <= grants + 3);  // more or fewer pages are lent at this moment
        CHECK(world::frames_in_use() <= in_use + 64);
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}

TEST_CASE("a back end in any state at any time, with any features, harms nothing; an honest one is served after it",
          "[negotiation]")
{
    auto const seed = GENERATE(1u, 2u, 3u);
    world::begin(seed);
    auto const frames = world::frames_in_use();
    {
        Town town;
        Town::make_front();
        unsigned connected = 0, offered = 0;
        auto of = [](std::initializer_list<char const *> values) {
            return values.begin()[world::chance(static_cast<std::uint32_t>(values.size()))];
        };
        for (unsigned i = 0; i < 3000; ++i) {
            auto what = world::chance(20);
            if (what < 12)
                store.set(node(back_folder, "state"),
                          of({"0", "1", "2", "2", "2", "3", "4", "4", "5", "6", "7", "8", "9", "-1", "x", ""}));
            else if (what < 13)
                store.remove(back_folder);
            else if (what < 14)
                store.remove(node(back_folder, "feature-rx-copy"));
            else
                store.set(node(back_folder,
                               of({"feature-rx-copy", "feature-rx-copy", "feature-sg", "feature-gso-tcpv4",
                                   "feature-split-event-channels", "multi-queue-max-queues"})),
                          of({"1", "1", "0", "2", "4294967295", "4294967296", "-3", "many"}));
            for (auto n = world::chance(4); n; --n)
                store.tell_next();
            if (auto d = Town::guests()) {
                Guard guard;
                (void)d->bring_up();
                for (auto n = world::chance(30); n; --n)
                    d->send(frame());
                d->poll(64);
                connected += d->carrier;
            }
            offered += world::grants_out() != 0;
        }
        CHECK(connected > 50);
        CHECK(offered > connected);
        store.remove(back_folder);
        Town::settle();
        CHECK(world::grants_out() == 0);
        CHECK(store.at(node(front_folder, "state")) == "6");

        REQUIRE(town.backs.start().ok());
        Town::make_back();
        Town::check_it_works();
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}
