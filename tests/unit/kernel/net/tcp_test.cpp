// SPDX-License-Identifier: MIT
// TCP's timers against time that jumps, connections against a peer that the test plays.
#include "conversation.hpp"
#include <catch2/catch.hpp>
#include <linux/poll.h>

using namespace kernel::net;
using namespace world;

namespace {
struct Net {
    Ref<Wire> wire;
    Net()
    {
        begin();
        wire = plug("wire%u", 0x41, "10.0.0.1");
    }
    ~Net()
    {
        unplug(wire);
        pass(70'000);  // what was closed is over
    }
};
std::uint16_t next_port()
{
    static std::uint16_t port = 7000;
    return ++port;
}
}  // namespace

TEST_CASE("data come as they were sent, in order and once", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5000};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    REQUIRE(s);
    Bytes const a(100, 'a'), b(100, 'b'), c(100, 'c');
    peer.say(flag_ack | flag_psh, a);
    peer.say(flag_ack | flag_psh, c, 100);   // out of order
    peer.say(flag_ack | flag_psh, a, -100);  // again
    CHECK(receive(*s) == a);
    peer.say(flag_ack | flag_psh, b);
    Bytes both = b;
    both.insert(both.end(), c.begin(), c.end());
    CHECK(receive(*s) == both);
    auto last = peer.heard().back();
    CHECK(last.acknowledgment == peer.next_sequence + 100);
}

TEST_CASE("a pause is one late tick: one retransmission after it, not a burst", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5001};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    REQUIRE(send(*s, Bytes(500, 'x')) == 500);
    auto first = peer.heard();
    REQUIRE(first.size() == 1);
    jump(3000);
    auto again = peer.heard();
    REQUIRE(again.size() == 1);
    CHECK(again[0].sequence == first[0].sequence);
    CHECK(again[0].bytes == 500);
    jump(50);
    CHECK(peer.heard().empty());
    peer.acknowledge(first[0].sequence + 500);
    pass(5000);
    CHECK(peer.heard().empty());
}

TEST_CASE("what was acknowledged during a pause is not sent again", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5002};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    REQUIRE(send(*s, Bytes(500, 'x')) == 500);
    auto first = peer.heard();
    now_ns += 3'000'000'000;
    peer.acknowledge(first[0].sequence + 500);  // input goes before timers
    jump(0);
    CHECK(peer.heard().empty());
}

TEST_CASE("retransmission backs off, and gives up with ETIMEDOUT", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5003};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    REQUIRE(send(*s, Bytes(10, 'x')) == 10);
    (void)peer.heard();
    auto const sent = now_ns / 1'000'000;
    std::vector<std::uint64_t> times;
    for (unsigned i = 0; i < 2000 && times.size() < 5; ++i) {
        pass(50);
        if (!peer.heard().empty())
            times.push_back(now_ns / 1'000'000);
    }
    REQUIRE(times.size() == 5);
    CHECK(times[0] - sent <= 1100);  // RFC 6298: one second
    for (std::size_t i = 2; i < times.size(); ++i)
        CHECK(times[i] - times[i - 1] > (times[i - 1] - times[i - 2]) * 3 / 2);
    for (unsigned i = 0; i < 100 && !(s->poll(nullptr) & POLLERR); ++i)
        pass(10'000);
    CHECK(s->take_error() == Error::timedout);
}

TEST_CASE("a link that goes and comes: what was written meanwhile is sent then, and a full queue is in nobody's way",
          "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5011};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    auto carrier = [&](bool on) {
        Guard guard;
        net.wire->set_carrier(on);
    };
    std::size_t sent = 0;
    SECTION("nothing was under way")
    {
        carrier(false);
        sent = send(*s, Bytes(500, 'x'));
    }
    SECTION("something was on its way out")
    {
        net.wire->full = true;
        sent = send(*s, Bytes(500, 'x'));
        CHECK(net.wire->queued() == 1);
        carrier(false);
        CHECK(net.wire->queued() == 0);
        CHECK(net.wire->queued_bytes() == 0);
        net.wire->full = false;
    }
    REQUIRE(sent == 500);
    pass(5000);
    CHECK(peer.heard().empty());
    carrier(true);
    pass(10'000);
    auto again = peer.heard();
    REQUIRE(!again.empty());
    CHECK(again[0].bytes == 500);
    peer.acknowledge(again[0].sequence + 500);
    pass(5000);
    CHECK(peer.heard().empty());
}

TEST_CASE("a closed window is probed and opens again", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5004};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    peer.say(flag_ack, {'y'});  // a window shrinks only by a newer segment
    (void)peer.heard();
    auto shut = tcp_frame(peer.peer, peer.us, {peer.next_sequence, peer.expected, flag_ack, 0}, {});
    arrive(*net.wire, shut);
    REQUIRE(send(*s, Bytes(100, 'x')) == 100);
    CHECK(peer.heard().empty());
    pass(3000);
    auto probe = peer.heard();
    REQUIRE(!probe.empty());
    CHECK(probe[0].bytes <= 1);
    peer.say(flag_ack);
    std::uint32_t bytes = 0;
    for (auto const &x : peer.heard())
        bytes += x.bytes;
    CHECK(bytes == 100);
}

TEST_CASE("a full listener lets nobody in, and later does", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = tcp_socket();
    REQUIRE(server->bind(address("0.0.0.0", port)).ok());
    REQUIRE(server->listen(1).ok());
    std::vector<std::unique_ptr<Peer>> peers;
    unsigned connected = 0;
    for (std::uint16_t i = 0; i < 5; ++i) {
        peers.push_back(std::make_unique<Peer>(*net.wire, static_cast<std::uint16_t>(5100 + i)));
        connected += peers.back()->connect(port);
    }
    CHECK(connected == 2);  // the backlog and one more, as Linux has it
    REQUIRE(accepted(*server));
    Peer late{*net.wire, 5200};
    CHECK(late.connect(port));
}

TEST_CASE("a reset in the window ends a connection, one beside it does not", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5005};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    peer.say(flag_rst, {}, 50'000'000);
    CHECK((s->poll(nullptr) & POLLERR) == 0);
    peer.say(flag_rst, {}, 10);  // in the window, but not at its beginning: RFC 5961
    CHECK((s->poll(nullptr) & POLLERR) == 0);
    peer.say(flag_rst);
    CHECK((s->poll(nullptr) & POLLERR) != 0);
    CHECK(s->take_error() == Error::connreset);
}

TEST_CASE("a sender of single bytes costs no packet's memory each", "[tcp]")
{
    Net net;
    auto port = next_port();
    auto server = listening(port);
    Peer peer{*net.wire, 5006};
    REQUIRE(peer.connect(port));
    auto s = accepted(*server);
    Bytes expected;
    for (unsigned i = 0; i < 5000; ++i) {
        expected.push_back(static_cast<unsigned char>(i));
        peer.say(flag_ack, {static_cast<unsigned char>(i)});
    }
    auto &c = static_cast<TcpSocket &>(*s).connection();
    CHECK(c.in.count() < 10);
    CHECK(receive(*s) == expected);
}

TEST_CASE("closing gives everything back", "[tcp]")
{
    begin();
    auto before = frames_in_use();
    {
        Net net;
        auto port = next_port();
        auto server = listening(port);
        Peer peer{*net.wire, 5007};
        REQUIRE(peer.connect(port));
        auto s = accepted(*server);
        REQUIRE(send(*s, Bytes(60'000, 'x')) == 60'000);
        CHECK(frames_in_use() > before);
        s = nullptr;  // closed, with data that nobody acknowledges
        server = nullptr;
        for (unsigned i = 0; i < 200; ++i)
            jump(10'000);
    }
    CHECK(frames_in_use() == before);
}
