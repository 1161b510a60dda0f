// SPDX-License-Identifier: MIT
// Headers, checksums, trains: against a second implementation, over packets in pieces of every size.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <kernel/net/checksum.hpp>
#include <kernel/net/train.hpp>

using namespace kernel::net;
using world::Bytes;

namespace {
world::Side const here{{2, 0, 0, 0, 0, 1}, 0x0a000001, 4000}, there{{2, 0, 0, 0, 0, 2}, 0x0a000002, 80};
constexpr std::uint8_t ack = 16, psh = 8, fin = 1;

Bytes random_bytes_of(std::size_t n)
{
    Bytes b(n);
    for (auto &c : b)
        c = static_cast<unsigned char>(world::chance(256));
    return b;
}

Packet segment(std::uint32_t sequence, Bytes const &data, std::uint8_t flags = ack)
{
    return with_blank_checksum(world::packet_of(world::tcp_frame(here, there, {sequence, 77, flags}, data)));
}

std::vector<Bytes> split(Packet p)
{
    std::vector<Bytes> out;
    CHECK(split_train(
        std::move(p),
        [](void *list, Packet part) {
            part = with_complete_checksum(std::move(part));
            static_cast<std::vector<Bytes> *>(list)->push_back(world::bytes_of(part.get()));
        },
        &out));
    return out;
}
}  // namespace

TEST_CASE("sums of packets do not depend on their pieces", "[packets]")
{
    world::begin();
    for (std::size_t n : {0u, 1u, 2u, 3u, 17u, 64u, 1500u, 9001u})
        for (std::size_t piece : {1u, 2u, 3u, 7u, 64u, 65535u}) {
            auto b = random_bytes_of(n);
            auto whole = sum_bytes(b.data(), static_cast<std::uint32_t>(n));
            auto p = world::packet_of(b, piece);
            CHECK(sum_of(p.get(), 0, static_cast<std::uint32_t>(n)) == whole);
            std::uint32_t sum = 0;
            for (std::size_t i = 0; i < n; ++i)
                sum += i % 2 ? b[i] << 8u : b[i];
            while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
            CHECK(sum == whole);
        }
}

TEST_CASE("a blank checksum is completed to the right one, and verified", "[packets]")
{
    world::begin();
    for (std::size_t n : {0u, 1u, 2u, 100u, 1459u})
        for (std::size_t piece : {5u, 40u, 65535u}) {
            auto data = random_bytes_of(n);
            for (auto frame : {world::tcp_frame(here, there, {1, 2, ack}, data),
                               world::udp_frame(here, there, std::string{data.begin(), data.end()})}) {
                auto p = with_blank_checksum(world::packet_of(frame, piece));
                REQUIRE(p);
                CHECK(p.checksum() == Checksum::blank);
                p = with_complete_checksum(std::move(p));
                CHECK(p.checksum() == Checksum::good);
                CHECK(world::bytes_of(p.get()) == frame);
                CHECK(verify_checksum(p.get()));
                auto wrong = frame;
                wrong.back() ^= 1;
                CHECK_FALSE(verify_checksum(world::packet_of(wrong, piece).get()));
            }
        }
}

TEST_CASE("completing one of two packets that share memory leaves the other alone", "[packets]")
{
    world::begin();
    auto frame = world::udp_frame(here, there, "shared");
    auto a = with_blank_checksum(world::packet_of(frame));
    auto b = Packet::share(a.get());
    auto before = world::bytes_of(a.get());
    b = with_complete_checksum(std::move(b));
    CHECK(world::bytes_of(b.get()) == frame);
    CHECK(world::bytes_of(a.get()) == before);
    CHECK(a.checksum() == Checksum::blank);
}

TEST_CASE("segments in a row become a train, which splits into the same segments", "[packets]")
{
    world::begin();
    std::vector<Bytes> expected;
    Packet train;
    std::uint32_t sequence = 0xffff'f000;  // wraps
    for (unsigned i = 0; i < 20; ++i) {
        auto data = random_bytes_of(i == 19 ? 333 : 1460);
        auto flags = static_cast<std::uint8_t>(i == 19 ? ack | psh : ack);
        expected.push_back(world::tcp_frame(here, there, {sequence, 77, flags}, data));
        auto s = segment(sequence, data, flags);
        sequence += static_cast<std::uint32_t>(data.size());
        if (!train)
            train = std::move(s);
        else
            CHECK(couple(train, s));
    }
    auto late = segment(sequence, random_bytes_of(10));
    CHECK_FALSE(couple(train, late));  // PSH ended it
    train = depart(std::move(train));
    CHECK(train.is_train());
    CHECK(train->segment_bytes == 1460);
    Headers h;
    REQUIRE(parse_headers(train.get(), h));
    CHECK(train.bytes() == h.payload + 19 * 1460 + 333);
    auto parts = split(std::move(train));
    REQUIRE(parts.size() == expected.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto wanted = expected[i];
        wanted[18] = parts[i][18];  // the identification counts
        wanted[19] = parts[i][19];
        world::complete_checksums(wanted);
        CHECK(parts[i] == wanted);
    }
}

TEST_CASE("what does not follow on is not coupled", "[packets]")
{
    world::begin();
    auto data = random_bytes_of(1000);
    auto try_with = [&](Packet second) {
        auto first = segment(5000, data);
        return couple(first, second);
    };
    CHECK(try_with(segment(6000, data)));
    CHECK_FALSE(try_with(segment(6001, data)));
    CHECK_FALSE(try_with(segment(6000, random_bytes_of(1001))));
    CHECK_FALSE(try_with(segment(6000, {})));
    CHECK_FALSE(try_with(segment(6000, data, ack | fin)));
    auto other_port = there;
    other_port.port = 81;
    CHECK_FALSE(
        try_with(with_blank_checksum(world::packet_of(world::tcp_frame(here, other_port, {6000, 77, ack}, data)))));
    CHECK_FALSE(try_with(with_blank_checksum(world::packet_of(world::tcp_frame(here, there, {6000, 78, ack}, data)))));
    CHECK_FALSE(try_with(world::packet_of(world::udp_frame(here, there, "not TCP"))));
}

TEST_CASE("headers that are cut short or lie are not found", "[packets]")
{
    world::begin();
    auto frame = world::tcp_frame(here, there, {1, 2, ack}, random_bytes_of(40));
    for (std::size_t n = 0; n < 54; ++n) {
        Headers h;
        auto p = world::packet_of(Bytes{frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(n)}, 9);
        parse_headers(p.get(), h);
        CHECK_FALSE(h.is_tcp());
    }
    auto lie = frame;
    lie[16] = 0xff;  // longer than it is
    auto p = with_blank_checksum(world::packet_of(lie));
    CHECK(world::bytes_of(p.get()) == lie);
    lie = frame;
    lie[46] = 0x40;  // a TCP header of 16 bytes
    Headers h;
    parse_headers(lie.data(), static_cast<std::uint32_t>(lie.size()), h);
    CHECK_FALSE(h.is_tcp());
}
