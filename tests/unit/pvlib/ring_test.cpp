// SPDX-License-Identifier: MIT
// The byte rings of xenstore and the console, and xenstore's messages, against another end that keeps to the rules, that splits as
// it likes, and that lies.
#include "world.hpp"
#include <memory>
#include <pvlib/console_ring.hpp>
#include <pvlib/store_message.hpp>
#include <random>

using namespace xenbus;

namespace {
using Page = std::unique_ptr<xenstore_domain_interface>;

Page page_at(std::uint32_t index)
{
    auto p = std::make_unique<xenstore_domain_interface>();
    p->req_cons = p->req_prod = p->rsp_cons = p->rsp_prod = index;
    return p;
}

// The daemon's hand: bytes into the reply ring, as many as fit.
std::size_t reply(xenstore_domain_interface &p, std::string const &bytes)
{
    std::size_t done = 0;
    while (done < bytes.size() && p.rsp_prod - p.rsp_cons < XENSTORE_RING_SIZE)
        p.rsp[MASK_XENSTORE_IDX(p.rsp_prod++)] = bytes[done++];
    return done;
}

std::string message(std::uint32_t type, std::uint32_t id, std::string const &payload)
{
    xsd_sockmsg h{type, id, 0, static_cast<std::uint32_t>(payload.size())};
    return std::string{reinterpret_cast<char *>(&h), sizeof h} + payload;
}
}  // namespace

TEST(store_ring, bytes_in_order_across_the_wrap)
{
    auto p = page_at(0u - 700);
    StoreRing ring;
    ring.attach(*p);
    std::mt19937 random{1};
    unsigned char next_out = 0, next_in = 0;
    for (int round = 0; round < 3000; ++round) {
        char some[1500];
        auto n = random() % sizeof some;
        for (std::size_t i = 0; i < n; ++i)
            some[i] = static_cast<char>(next_out + i);
        auto put = ring.put(some, n);
        CHECK(put.ok() && put.value() <= n);
        CHECK(put.value() == n || !ring.has_room());
        next_out = static_cast<unsigned char>(next_out + put.value());
        auto takes = random() % 1100;
        for (; takes && p->req_cons != p->req_prod; --takes)
            CHECK_EQ(static_cast<unsigned char>(p->req[MASK_XENSTORE_IDX(p->req_cons++)]), next_in++);
    }
}

TEST(store_ring, impossible_indices)
{
    auto p = page_at(5);
    StoreRing ring;
    ring.attach(*p);
    char c = 0;
    p->req_cons = 6;  // read more than was written
    CHECK(ring.put(&c, 1).error() == Error::proto);
    CHECK(ring.has_room());
    p->req_cons = 5;
    p->rsp_prod = 5 + XENSTORE_RING_SIZE + 1;
    CHECK(ring.has_bytes());
    CHECK(ring.get(&c, 1).error() == Error::proto);
    p->rsp_prod = 4;
    CHECK(ring.get(&c, 1).error() == Error::proto);
    // What the other end writes to our indices is not believed.
    p->rsp_prod = 6;
    p->rsp_cons = 77;
    p->req_prod = 99;
    CHECK_EQ(ring.get(&c, 1).value(), 1u);
    CHECK_EQ(ring.put(&c, 1).value(), 1u);
    CHECK_EQ(p->req_prod, 6u);
    CHECK_EQ(p->rsp_cons, 6u);
}

TEST(messages, in_any_pieces)
{
    std::mt19937 random{2};
    auto p = page_at(1000);
    StoreRing ring;
    ring.attach(*p);
    MessageReader reader;
    std::string stream;
    std::vector<std::string> sent, got;
    for (int i = 0; i < 300; ++i) {
        std::string payload(random() % 5 ? random() % 100 : random() % (XENSTORE_PAYLOAD_MAX + 1),
                            static_cast<char>('a' + i % 26));
        sent.push_back(payload);
        stream += message(XS_READ, static_cast<std::uint32_t>(i), payload);
    }
    for (std::size_t at = 0; at < stream.size() || got.size() < sent.size();) {
        at += reply(*p, stream.substr(at, 1 + random() % 900));
        for (;;) {
            Message m;
            auto one = reader.next(ring, m);
            CHECK(one.ok());
            if (!one.value())
                break;
            CHECK_EQ(m.header.req_id, got.size());
            got.push_back(std::string{m.payload.view()});
        }
    }
    CHECK(got == sent);
}

TEST(messages, too_long)
{
    auto p = page_at(0);
    StoreRing ring;
    ring.attach(*p);
    MessageReader reader;
    xsd_sockmsg h{XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    reply(*p, std::string{reinterpret_cast<char *>(&h), sizeof h});
    Message m;
    CHECK(reader.next(ring, m).error() == Error::proto);
}

// Rubbish of every kind: nothing but an error or a message of a permitted length may come of it.
TEST(messages, fuzz)
{
    std::mt19937 random{3};
    for (int round = 0; round < 4000; ++round) {
        auto p = page_at(random());
        StoreRing ring;
        ring.attach(*p);
        MessageReader reader;
        for (auto &c : p->rsp)
            c = static_cast<char>(random() % 4 ? random() % 3 : random());
        for (int step = 0; step < 8; ++step) {
            p->rsp_prod = random() % 6 ? p->rsp_prod + random() % 400 : random();
            for (int i = 0; i < 40; ++i) {
                Message m;
                auto got = reader.next(ring, m);
                if (!got.ok()) {
                    CHECK(got.error() == Error::proto);
                    break;
                }
                if (!got.value())
                    break;
                CHECK(m.payload.size() <= XENSTORE_PAYLOAD_MAX);
                static_cast<void>(parse_watch_event(m.payload.view()));
                static_cast<void>(error_of_reply(m.payload));
                static_cast<void>(parse_number(m.payload.view()));
                for (std::uint32_t at = 0; !m.payload.next(at).empty();) {}
            }
        }
    }
}

TEST(messages, strings)
{
    auto event = parse_watch_event({"path\0token\0", 11});
    CHECK(event.ok() && event.value().path == "path" && event.value().token == "token");
    CHECK(!parse_watch_event({"path\0token", 10}).ok());
    CHECK(!parse_watch_event({"path", 4}).ok());
    CHECK(!parse_watch_event({}).ok());
    CHECK_EQ(parse_number("4294967295").value(), 4294967295u);
    CHECK(!parse_number("4294967296").ok() && !parse_number("").ok() && !parse_number("-1").ok()
          && !parse_number("1 ").ok());
    CHECK_EQ(parse_number("ff", 16).value(), 255u);
    CHECK_EQ(parse_number("3E", 16).value(), 62u);
    CHECK_EQ(std::string{Text::join("a/b", "c").value().view()}, std::string{"a/b/c"});
    CHECK_EQ(std::string{Text::join("/", "c").value().view()}, std::string{"/c"});
    CHECK_EQ(std::string{Text::join("", "c").value().view()}, std::string{"c"});
    CHECK_EQ(std::string{Text::join("a", "").value().view()}, std::string{"a"});
    CHECK(Text::join(std::string(XENSTORE_ABS_PATH_MAX, 'x'), "y").error() == Error::nametoolong);
    auto list = Text::copy({"one\0two\0", 8}).value();
    std::uint32_t at = 0;
    CHECK(list.next(at) == "one");
    CHECK(list.next(at) == "two");
    CHECK(list.next(at).empty());
    CHECK(error_of_reply(Text::copy("ENOENT").value()) == Error::noent);
    CHECK(error_of_reply(Text::copy("EWHAT").value()) == Error::io);
}

TEST(console_ring, both_ways_and_lies)
{
    auto p = std::make_unique<xencons_interface>();
    p->in_cons = p->in_prod = p->out_cons = p->out_prod = 0u - 10;
    pv::ConsoleRing ring;
    ring.attach(*p);
    std::string text(3000, 'x');
    CHECK_EQ(ring.put(text.data(), text.size()), sizeof p->out);
    CHECK_EQ(ring.room(), 0u);
    p->out_cons += 100;
    CHECK_EQ(ring.room(), 100u);
    p->out_cons += 5000;  // beyond what was written
    CHECK_EQ(ring.room(), 0u);
    CHECK_EQ(ring.put("x", 1), 0u);
    char c[2000];
    CHECK_EQ(ring.get(c, sizeof c), 0u);
    p->in[MASK_XENCONS_IDX(p->in_prod++, p->in)] = 'y';
    CHECK_EQ(ring.get(c, sizeof c), 1u);
    CHECK_EQ(c[0], 'y');
    p->in_prod += 2000;
    CHECK(!ring.has_input());
    CHECK_EQ(ring.get(c, sizeof c), 0u);
}
