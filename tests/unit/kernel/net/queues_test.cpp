// SPDX-License-Identifier: MIT
// A front end's interface and a back end's with several queues between them: order, turns, rates, and an end that lies in one of them.
#include "pv_fake.hpp"
#include "world.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <drivers/netback/netback.hpp>
#include <drivers/netfront/netfront.hpp>
#include <kernel/net/flow.hpp>
#include <map>

using namespace kernel::net;
using kernel::Ref;
using world::Bytes;

namespace {
constexpr unsigned budget = 64;  // of one turn, as the network thread has it

struct Complaints final : xenbus::FrontEnd {
    void fail_soon(char const *what) override { said = what; }
    Result<xenbus::State> offer() override { return Error::nosys; }
    Result<> connect() override { return Error::nosys; }
    void disconnect() override {}
    std::string said;
};

struct Seen final : Tap {
    std::vector<Bytes> all;
    void see(NetDevice &, pbuf *p, bool outgoing) override
    {
        if (!outgoing)
            all.push_back(world::bytes_of(p));
    }
};

// Both ends of one connection, without the store: each has the other's references.
struct Link {
    Complaints front_owner, back_owner;
    Ref<netfront::Interface> front = kernel::make_ref<netfront::Interface>(front_owner).take();
    Ref<netback::Vif> back;
    Seen at_front, at_back;

    Link(unsigned queues, char const *name) : back{kernel::make_ref<netback::Vif>(back_owner, name).take()}
    {
        front->features = feature_scatter | feature_checksum;
        back->features = feature_scatter | feature_checksum;
        Guard guard;
        REQUIRE(register_device(front).ok());
        REQUIRE(register_device(back).ok());
        REQUIRE(front->bring_up().ok());
        REQUIRE(back->bring_up().ok());
        connect(queues);
        front->taps.push_back(at_front);
        back->taps.push_back(at_back);
    }
    void connect(unsigned queues)  // lock held
    {
        auto pool = kernel::make_ref<FramePool>().take();
        for (unsigned i = 0; i < queues; ++i) {
            auto &f = *front->add_queue().value();
            auto &b = *back->add_queue().value();
            REQUIRE(f.tx.open(0).ok());
            REQUIRE(f.rx.open(0).ok());
            REQUIRE(b.tx.open(1, f.tx.ring.pages().ref(0), pool).ok());
            REQUIRE(b.rx.open(1, f.rx.ring.pages().ref(0)).ok());
        }
        front->connect();
        back->connect();
        front->poll(budget);  // lends pages
    }
    ~Link()
    {
        at_front.unlink();
        at_back.unlink();
        Guard guard;
        front->disconnect();
        back->disconnect();
        unregister_device(*front);
        unregister_device(*back);
    }
    Link(Link const &) = delete;
    Link &operator=(Link const &) = delete;

    netif_tx_sring &sending(unsigned queue)
    {
        return *static_cast<netif_tx_sring *>(front->queues[queue]->tx.ring.pages().address());
    }
    netif_rx_sring &receiving(unsigned queue)
    {
        return *static_cast<netif_rx_sring *>(front->queues[queue]->rx.ring.pages().address());
    }
    void settle(unsigned turns = 200)  // until neither end finds anything
    {
        for (unsigned i = 0; i < turns; ++i) {
            Guard guard;
            front->poll(budget);
            back->poll(budget);
        }
    }
    // The guest sends until its rings take no more.
    void flood(std::size_t bytes)
    {
        Guard guard;
        front->poll(budget);
        for (unsigned i = 0; front->queued() < 2 * budget; ++i)
            front->send(numbered(static_cast<std::uint16_t>(1000 + world::chance(500)), i, bytes));
    }
    static Packet numbered(std::uint16_t port, std::uint32_t number, std::size_t bytes = 60)
    {
        std::string data(bytes, 'x');
        std::memcpy(data.data(), &number, sizeof number);
        return world::packet_of(
            world::udp_frame({{2, 0, 0, 0, 0, 1}, 0x0a000001, port}, {{2, 0, 0, 0, 0, 2}, 0x0a000002, 9}, data));
    }
};

// Numbers in the order of their arrival, by source port.
std::map<unsigned, std::vector<std::uint32_t>> by_flow(std::vector<Bytes> const &frames)
{
    std::map<unsigned, std::vector<std::uint32_t>> flows;
    for (auto const &f : frames) {
        std::uint32_t number;
        REQUIRE(f.size() >= 46);
        std::memcpy(&number, f.data() + 42, sizeof number);
        flows[static_cast<unsigned>(f[34] << 8 | f[35])].push_back(number);
    }
    return flows;
}
}  // namespace

TEST_CASE("with several queues every packet arrives once, and those of a flow in order", "[queues]")
{
    world::begin();
    auto const frames = world::frames_in_use();
    auto const queues = GENERATE(1u, 2u, 3u, 8u);
    {
        Link link{queues, "vif1.0"};
        constexpr unsigned packets = 1000, flows = 40;
        for (unsigned i = 0; i < packets; ++i) {
            {
                Guard guard;
                link.front->send(Link::numbered(static_cast<std::uint16_t>(2000 + i % flows), i));
                link.back->send(Link::numbered(static_cast<std::uint16_t>(3000 + i % flows), i));
            }
            if (world::chance(20) == 0)
                link.settle();
        }
        link.settle();
        for (auto const &seen : {link.at_back.all, link.at_front.all}) {
            CHECK(seen.size() == packets);
            auto arrived = by_flow(seen);
            CHECK(arrived.size() == flows);
            for (auto const &[port, numbers] : arrived)
                CHECK(std::is_sorted(numbers.begin(), numbers.end()));
        }
        for (unsigned i = 0; i < queues; ++i) {  // each had some of it, in both directions
            CHECK(link.front->queues[i]->tx.ring->in_flight() == 0);
            CHECK(link.sending(i).req_prod > 0);
            CHECK(link.receiving(i).rsp_prod > 0);
        }
        CHECK(link.front_owner.said == "");
        CHECK(link.back_owner.said == "");
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}

TEST_CASE("a lie in one of the queues ends the whole connection and leaves nothing behind", "[queues]")
{
    world::begin();
    auto const frames = world::frames_in_use();
    auto const queue = GENERATE(0u, 1u, 2u);
    {
        Link link{3, "vif1.0"};
        link.flood(60);
        link.settle();
        auto const before = link.at_back.all.size();
        CHECK(before > 100);
        Guard guard;
        SECTION("the guest's transmit ring runs ahead")
        {
            link.sending(queue).req_prod += 1000;
            link.back->poll(budget);
            CHECK(link.back_owner.said == "the guest put nonsense into its ring");
            CHECK_FALSE(link.back->carrier);
            // Packets that wait in the other queues are not looked at any more.
            link.front->send(Link::numbered(2000, 1));
            CHECK(link.back->poll(budget) == 0);
        }
        SECTION("the guest asks for more than its receive ring holds")
        {
            link.receiving(queue).req_prod += 1000;
            for (std::uint16_t port = 1; port < 300; ++port)
                link.back->send(Link::numbered(port, port));
            CHECK(link.back_owner.said == "the guest asked for more than its ring holds");
        }
        SECTION("the back end answers what was not asked")
        {
            link.receiving(queue).rsp_prod += 1000;
            link.front->poll(budget);
            CHECK(link.front_owner.said == "the back end filled what it was not lent");
            CHECK_FALSE(link.front->carrier);
        }
        SECTION("the back end has sent what was not given to it")
        {
            link.sending(queue).rsp_prod += 1000;
            link.front->poll(budget);
            CHECK(link.front_owner.said == "the back end answered to what was not sent");
        }
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}

// Whatever is in the rings and in the queues before them when a connection ends, in peace or not: the next one begins with nothing of it.
TEST_CASE("a connection that ends in full flow is followed by one that works", "[queues][restart]")
{
    world::begin();
    auto const frames = world::frames_in_use();
    {
        Link link{2, "vif1.0"};
        auto const once = world::frames_in_use();
        for (unsigned i = 0; i < 200; ++i) {
            // Both ends send more than their rings take; how much of that is served is chance.
            link.flood(1000);
            {
                Guard guard;
                for (unsigned n = 0; n < 600; ++n)
                    link.back->send(Link::numbered(static_cast<std::uint16_t>(3000 + n % 7), n, 1000));
            }
            link.settle(world::chance(3));
            Guard guard;
            if (i % 4 == 1) {
                link.receiving(world::chance(link.front->queue_count)).rsp_prod += 1000;
                link.front->poll(budget);
                CHECK(!link.front->carrier);
            } else if (i % 4 == 2) {
                link.sending(world::chance(link.front->queue_count))
                    .rsp_prod += 1000;  // found when there is no room, or at the next look
                for (std::uint16_t port = 1; port < 600 && link.front->carrier; ++port)
                    link.front->send(Link::numbered(port, port, 1000));
                link.front->poll(budget);
                CHECK(!link.front->carrier);
            }
            auto first = world::chance(2);
            (first ? static_cast<NetDevice *>(link.front.get()) : link.back.get())->set_carrier(false);
            link.front->disconnect();
            link.back->disconnect();
            CHECK(world::grants_out() == 0);
            for (auto end : {static_cast<NetDevice *>(link.front.get()), static_cast<NetDevice *>(link.back.get())}) {
                CHECK(!end->carrier);
                CHECK(end->queued() == 0);
                CHECK(end->queued_bytes() == 0);
                end->send(Link::numbered(1, 1));  // into nothing
            }
            link.connect(1 + world::chance(3));
        }
        link.at_front.all.clear();
        link.at_back.all.clear();
        link.settle();
        CHECK(link.at_front.all.empty());  // nothing of before
        CHECK(link.at_back.all.empty());
        for (unsigned i = 0; i < 500; ++i) {
            {
                Guard guard;
                link.front->send(Link::numbered(static_cast<std::uint16_t>(2000 + i % 9), i, 700));
                link.back->send(Link::numbered(static_cast<std::uint16_t>(3000 + i % 9), i, 700));
            }
            if (i % 16 == 0)
                link.settle(3);
        }
        link.settle();
        CHECK(link.at_front.all.size() == 500);
        CHECK(link.at_back.all.size() == 500);
        {
            Guard guard;
            link.front->disconnect();
            link.back->disconnect();
            link.connect(2);
        }
        CHECK(world::frames_in_use() <= once);
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == frames);
}

TEST_CASE("a guest with many queues has no more of a turn than one with a single queue", "[queues][fair]")
{
    world::begin();
    Link many{8, "vif1.0"}, single{1, "vif2.0"};
    constexpr unsigned turns = 100;
    for (unsigned turn = 0; turn < turns; ++turn) {
        many.flood(1000);
        single.flood(1000);
        Guard guard;
        many.back->poll(budget);
        single.back->poll(budget);
    }
    auto const a = many.at_back.all.size(), b = single.at_back.all.size();
    INFO(a << " frames of eight queues, " << b << " of one");
    CHECK(b > turns * budget / 2);
    CHECK(a <= b + b / 10);
    CHECK(a * 2 >= b);
}

TEST_CASE("what a guest sends is taken at its rate, however many queues it has", "[queues][rate]")
{
    world::begin();
    auto const queues = GENERATE(1u, 4u);
    Link limited{queues, "vif1.0"}, free{1, "vif2.0"};
    constexpr std::uint64_t bytes = 62'500, interval_ms = 50, intervals = 20;  // 10Mb/s
    limited.back->rate.set(bytes, interval_ms * 1'000'000);
    for (unsigned i = 0; i < intervals * 5; ++i) {
        for (unsigned turn = 0; turn < 8; ++turn) {
            limited.flood(1000);
            free.flood(1000);
            Guard guard;
            limited.back->poll(budget);
            free.back->poll(budget);
        }
        world::pass(10);
    }
    std::uint64_t taken = 0;
    for (auto const &f : limited.at_back.all)
        taken += f.size();
    INFO(taken << " bytes in " << intervals << " intervals, " << free.at_back.all.size() << " frames without a limit");
    CHECK(taken <= bytes * (intervals + 1) + budget * 1500 * queues);  // and what the last turn overdrew
    CHECK(taken >= bytes * (intervals - 1));
    CHECK(free.at_back.all.size() > 4 * limited.at_back.all.size());
}

TEST_CASE("who does not read keeps bytes, not the pages of the rings", "[queues][slow]")
{
    world::begin();
    auto const before = world::frames_in_use();
    {
        Link link{1, "vif1.0"};
        struct Reader final : Tap {
            std::vector<Packet> kept;
            void see(NetDevice &, pbuf *p, bool outgoing) override
            {
                if (!outgoing)
                    kept.push_back(Packet::share(p));
            }
        } guest, domain0;
        link.front->taps.push_back(guest);
        link.back->taps.push_back(domain0);
        auto const idle = world::frames_in_use();
        constexpr unsigned packets = 3000, bytes = 1300;
        for (unsigned i = 0; i < packets; ++i) {
            {
                Guard guard;
                link.front->send(Link::numbered(2000, i, bytes));
                link.back->send(Link::numbered(2000, i, bytes));
            }
            if (i % 16 == 0)
                link.settle(3);
        }
        link.settle();
        auto const held = world::frames_in_use() - idle;
        INFO(held << " frames are held");
        CHECK(held <= netfront::ReceiveSide::most_held + netback::Gather::most_held + 2 * budget);
        for (auto reader : {&guest, &domain0}) {
            REQUIRE(reader->kept.size() == packets);
            unsigned right = 0;
            for (unsigned i = 0; i < packets; ++i) {
                std::uint32_t number;
                auto frame = world::bytes_of(reader->kept[i].get());
                std::memcpy(&number, frame.data() + 42, sizeof number);
                right += number == i && frame.size() == 42 + bytes && frame.back() == 'x';
            }
            CHECK(right == packets);
            reader->unlink();
            reader->kept.clear();
        }
    }
    CHECK(world::grants_out() == 0);
    CHECK(world::frames_in_use() == before);
}

TEST_CASE("a flow is told by addresses and ports", "[queues]")
{
    world::begin();
    auto hash = [](world::Side from, world::Side to) {
        return flow_hash(world::packet_of(world::udp_frame(from, to, "data"), 20).get());
    };
    world::Side const one{{2, 0, 0, 0, 0, 1}, 0x0a000001, 4000}, two{{2, 0, 0, 0, 0, 2}, 0x0a000002, 80};
    auto other_port = one, other_address = one, other_mac = one;
    other_port.port = 4001;
    other_address.ip = 0x0a000003;
    other_mac.mac[5] = 9;
    CHECK(hash(one, two) == hash(one, two));
    CHECK(hash(one, two) != hash(other_port, two));
    CHECK(hash(one, two) != hash(other_address, two));
    CHECK(hash(one, two) == hash(other_mac, two));
    CHECK(flow_hash(world::packet_of(world::arp_reply(one, two)).get()) == 0);
    CHECK(flow_hash(world::packet_of(Bytes(7)).get()) == 0);
    auto fragment = world::udp_frame(one, two, "data"), later = world::udp_frame(other_port, two, "more");
    fragment[20] = later[20] = 0x20;  // more fragments: ports are not to be trusted
    CHECK(flow_hash(world::packet_of(fragment).get()) == flow_hash(world::packet_of(later).get()));
}
