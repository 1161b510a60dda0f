// SPDX-License-Identifier: MIT
// The back end's server against a front end that the test plays: its ring and
// pages are another domain's.
#include "request.hpp"
#include <drivers/blkback/server.hpp>
#include <kernel/block/queued_disk.hpp>
#include <map>
#include <memory>
#include <random>

using kernel::BlockOp;
using kernel::Ref;

namespace {
constexpr domid_t front_domain = 3;
constexpr grant_ref_t ring_ref = 100, first_ref = 200;
constexpr unsigned pages_most = 80;

class MemoryDisk final : public kernel::QueuedDisk {
public:
    std::string bytes;
    unsigned flushes = 0;
    explicit MemoryDisk(unsigned sectors) : QueuedDisk{"disk0"}, bytes(sectors * kernel::sector_bytes, 'd')
    {
        set_sectors(sectors);
        limits_.write_cache = true;
        limits_.depth = 8;
        limits_.max_segments = kernel::PooledIo::room;
        limits_.max_sectors = limits_.max_segments * 8;
    }

protected:
    bool issue(kernel::BlockRequest &r) override
    {
        auto at = r.sector * kernel::sector_bytes;
        if (r.op == BlockOp::flush)
            ++flushes;
        else
            r.for_each_segment([&](kernel::BlockSegment const &s) {
                auto *memory = static_cast<char *>(kernel::frame_address(s.frame)) + s.offset;
                CHECK(at + s.bytes <= bytes.size());
                r.op == BlockOp::read ? std::memcpy(memory, bytes.data() + at, s.bytes)
                                      : std::memcpy(bytes.data() + at, memory, s.bytes);
                at += s.bytes;
            });
        ended(r, Error::none);
        return true;
    }
};

// A domain with a ring and pages that it grants.
class Front {
public:
    Ref<MemoryDisk> disk = kernel::make_ref<MemoryDisk>(2048u).take();
    std::vector<std::string> pages = std::vector<std::string>(pages_most, std::string(page_size, 'f'));
    std::unique_ptr<blkback::Server> server;
    bool told_broken = false;

    explicit Front(bool read_only = false, bool persistent = false)
    {
        ring_page_.assign(page_size, 0);
        hypervisor::offer_page(front_domain, ring_ref, ring_page_.data(), true);
        for (unsigned i = 0; i < pages_most; ++i)
            hypervisor::offer_page(front_domain, first_ref + i, pages[i].data(),
                                   i != pages_most - 1);  // the last: for reading only
        server = std::make_unique<blkback::Server>(disk, read_only);
        server->on_broken = [](void *context) { *static_cast<bool *>(context) = true; };
        server->on_broken_context = &told_broken;
        port_ = hypervisor::next_port;
        grant_ref_t const refs[] = {ring_ref};
        CHECK(server->start(front_domain, refs, pv::Port{9}, persistent, "blkback").ok());
        ring_ = reinterpret_cast<blkif_sring *>(hypervisor::mapped_at(front_domain, ring_ref));
        CHECK(ring_ != nullptr);
    }
    blkif_sring &ring() { return *ring_; }
    void put(blkif_request const &q)
    {
        ring_->ring[asked_++ % slots].req = q;
        ring_->req_prod = asked_;
    }
    void run()
    {
        hypervisor::send(port_);
        world::settle();
    }
    bool take(blkif_response &r)
    {
        if (answered_ == ring_->rsp_prod)
            return false;
        r = ring_->ring[answered_++ % slots].rsp;
        return true;
    }
    int ask(blkif_request const &q)
    {
        put(q);
        run();
        blkif_response r{};
        CHECK(take(r));
        CHECK_EQ(r.id, q.id);
        CHECK_EQ(r.operation, q.operation);
        return r.status;
    }
    static constexpr unsigned slots = 32;

private:
    std::string ring_page_;
    blkif_sring *ring_ = nullptr;
    RING_IDX asked_ = 0, answered_ = 0;
    unsigned port_ = 0;
};

blkif_request request(unsigned operation, std::uint64_t sector, unsigned pages, unsigned from = 0)
{
    blkif_request q{};
    q.operation = static_cast<std::uint8_t>(operation);
    q.nr_segments = static_cast<std::uint8_t>(pages);
    q.id = 0x1234'5678'9abcull + sector;
    q.sector_number = sector;
    for (unsigned i = 0; i < pages; ++i)
        q.seg[i] = {first_ref + from + i, 0, 7};
    return q;
}
}  // namespace

TEST(back, reads_and_writes_reach_the_disk)
{
    for (bool persistent : {false, true})
        CHECK_EQ(posix::child_status([persistent] {
                     world::begin();
                     Front front{false, persistent};
                     for (unsigned i = 0; i < 11; ++i)
                         front.pages[i].assign(page_size, static_cast<char>('A' + i));
                     CHECK_EQ(front.ask(request(BLKIF_OP_WRITE, 16, 11)), BLKIF_RSP_OKAY);
                     CHECK_EQ(front.disk->bytes[16 * 512 - 1], 'd');
                     for (unsigned i = 0; i < 11; ++i)
                         CHECK(front.disk->bytes.substr(16 * 512 + i * page_size, page_size)
                               == std::string(page_size, static_cast<char>('A' + i)));
                     CHECK_EQ(front.disk->bytes[16 * 512 + 11 * page_size], 'd');
                     auto q = request(BLKIF_OP_READ, 23, 1, 20);
                     q.seg[0].first_sect = 2, q.seg[0].last_sect = 3;
                     CHECK_EQ(front.ask(q), BLKIF_RSP_OKAY);
                     CHECK_EQ(front.ask(request(BLKIF_OP_FLUSH_DISKCACHE, 0, 0)), BLKIF_RSP_OKAY);
                     CHECK_EQ(front.disk->flushes, 1u);
                     CHECK_EQ(front.ask(request(BLKIF_OP_WRITE_BARRIER, 900, 2)), BLKIF_RSP_OKAY);
                     CHECK(front.disk->flushes >= 2);
                     front.server = nullptr;
                     CHECK_EQ(hypervisor::mapped_foreign(), 0u);
                     CHECK(front.pages[20]
                           == std::string(1024, 'f') + std::string(512, 'A') + std::string(512, 'B')
                               + std::string(2048, 'f'));
                 }),
                 0);
}

// Their segments are in a page of the front end's; more than a request holds by itself.
TEST(back, indirect_requests)
{
    world::begin();
    Front front{false, true};
    for (unsigned i = 0; i < 64; ++i)
        front.pages[i].assign(page_size, static_cast<char>('0' + i));
    constexpr unsigned list = pages_most - 2;
    blkif_request_segment segments[blkback::max_segments];
    for (unsigned i = 0; i < std::size(segments); ++i)
        segments[i] = {first_ref + i, 0, 7};
    std::memcpy(front.pages[list].data(), segments, sizeof segments);
    blkif_request_indirect d{};
    d.operation = BLKIF_OP_INDIRECT;
    d.indirect_op = BLKIF_OP_WRITE;
    d.nr_segments = std::size(segments);
    d.id = 7;
    d.sector_number = 100;
    d.indirect_grefs[0] = first_ref + list;
    auto ask = [&] {
        blkif_request q{};
        std::memcpy(&q, &d, sizeof d);
        front.put(q);
        front.run();
        blkif_response r{};
        CHECK(front.take(r));
        CHECK_EQ(r.id, 7u);
        return r.status;
    };
    CHECK_EQ(ask(), BLKIF_RSP_OKAY);
    for (unsigned i = 0; i < std::size(segments); ++i)
        CHECK_EQ(front.disk->bytes[100 * 512 + i * page_size], static_cast<char>('0' + i));
    d.nr_segments = std::size(segments) + 1;
    CHECK_EQ(ask(), BLKIF_RSP_ERROR);
    d.nr_segments = 1;
    d.indirect_grefs[0] = 9999;  // not granted
    CHECK_EQ(ask(), BLKIF_RSP_ERROR);
    front.server = nullptr;
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
}

TEST(back, what_is_not_allowed_is_refused_and_changes_nothing)
{
    world::begin();
    Front front;
    auto const before = front.disk->bytes;
    CHECK_EQ(front.ask(request(BLKIF_OP_WRITE, 2048 - 7, 1)),
             BLKIF_RSP_ERROR);  // over the end
    CHECK_EQ(front.ask(request(BLKIF_OP_READ, ~0ull - 3, 1)),
             BLKIF_RSP_ERROR);  // wraps
    CHECK_EQ(front.ask(request(BLKIF_OP_WRITE, 0, 1, pages_most)),
             BLKIF_RSP_ERROR);  // a page that is not granted
    CHECK_EQ(front.ask(request(BLKIF_OP_READ, 0, 1, pages_most - 1)),
             BLKIF_RSP_ERROR);  // one that may not be written
    CHECK_EQ(front.ask(request(BLKIF_OP_DISCARD, 0, 0)),
             BLKIF_RSP_ERROR);  // of nothing
    CHECK_EQ(front.ask(request(42, 0, 0)), BLKIF_RSP_EOPNOTSUPP);
    CHECK(front.disk->bytes == before);
    front.server = nullptr;
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
}

TEST(back, a_read_only_disk_stays_as_it_is)
{
    world::begin();
    Front front{true};
    auto const before = front.disk->bytes;
    CHECK_EQ(front.ask(request(BLKIF_OP_WRITE, 0, 1)), BLKIF_RSP_ERROR);
    CHECK_EQ(front.ask(request(BLKIF_OP_WRITE_BARRIER, 0, 1)), BLKIF_RSP_ERROR);
    CHECK_EQ(front.ask(request(BLKIF_OP_READ, 0, 1)), BLKIF_RSP_OKAY);
    CHECK(front.disk->bytes == before);
    front.server = nullptr;
}

TEST(back, more_requests_than_the_ring_has_slots_end_the_connection)
{
    world::begin();
    Front front;
    front.ring().req_prod += 33;
    front.run();
    CHECK(front.told_broken);
    front.server = nullptr;
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
}

// Each request is answered once, under its own id; nothing stays mapped; the
// sanitizers watch the rest.
TEST(back, a_hostile_front_end_does_no_harm)
{
    world::begin();
    std::mt19937 random{9};
    Front front{false, true};
    for (int round = 0; round < 2000; ++round) {
        std::map<std::uint64_t, int> ids;
        for (unsigned n = 1 + random() % 20; n != 0; --n) {
            auto q = request(random() % 8, random() % 2200, random() % 14 % 12, random() % 90);
            for (unsigned i = 0; i < 11; ++i)
                if (random() % 8 == 0)
                    q.seg[i] = {static_cast<grant_ref_t>(random()), static_cast<std::uint8_t>(random()),
                                static_cast<std::uint8_t>(random())};
            if (random() % 8 == 0)
                q.nr_segments = static_cast<std::uint8_t>(random());
            q.id = static_cast<std::uint64_t>(round) << 32 | n;
            blkif_request_indirect d;
            std::memcpy(&d, &q, sizeof d);
            if (q.operation == BLKIF_OP_INDIRECT)
                d.id = q.id, std::memcpy(&q, &d, sizeof d);
            blkif_request_discard c;
            std::memcpy(&c, &q, sizeof c);
            if (q.operation == BLKIF_OP_DISCARD)
                c.id = q.id, std::memcpy(&q, &c, sizeof c);
            ++ids[q.id];
            front.put(q);
        }
        front.run();
        blkif_response r{};
        while (front.take(r))
            CHECK_EQ(ids[r.id]--, 1);
        for (auto const &[id, left] : ids)
            CHECK_EQ(left, 0);
    }
    CHECK(!front.told_broken);
    front.server = nullptr;
    CHECK_EQ(hypervisor::mapped_foreign(), 0u);
}
