// SPDX-License-Identifier: MIT
// The front end's disk against a back end that the test plays.
#include "request.hpp"
#include <drivers/blkfront/front_disk.hpp>
#include <memory>
#include <pvlib/device/grant.hpp>
#include <random>

using namespace blkfront;
using kernel::Ref;

namespace {
constexpr domid_t back_domain = 4;
constexpr std::uint64_t disk_sectors = 4096;

// The other end: the ring and the granted pages, as another domain reaches
// them.
class Back {
public:
    Ref<FrontDisk> disk = kernel::make_ref<FrontDisk>(std::string_view{"xvda"}).take();
    std::string bytes = std::string(disk_sectors * kernel::sector_bytes, 'e');
    std::vector<blkif_request> seen;
    bool hostile = false;

    void connect(Features const &f)
    {
        CHECK(disk->open(back_domain, 1).ok());
        ring_ = static_cast<blkif_sring *>(disk->ring_pages().address());
        asked_ = answered_ = 0;
        disk->use(f);
    }
    blkif_sring &ring() { return *ring_; }
    bool take(blkif_request &q)
    {
        if (asked_ == ring_->req_prod)
            return false;
        q = ring_->ring[asked_++ % slots].req;
        ring_->req_event = asked_ + 1;
        seen.push_back(q);
        return true;
    }
    void answer(std::uint64_t id, unsigned operation, int status = BLKIF_RSP_OKAY)
    {
        ring_->ring[answered_ % slots].rsp = {id, static_cast<std::uint8_t>(operation),
                                              static_cast<std::int16_t>(status)};
        ring_->rsp_prod = ++answered_;
    }
    void notify() { hypervisor::send(disk->port()); }
    // A granted page of the front end's. One who has written nonsense over its own ring gets none for what it reads there.
    char *page(grant_ref_t ref)
    {
        bool const known = ref < pv::grant_counts().entries;
        auto const e = known ? hypervisor::entry(ref) : grant_entry_v1{};
        bool const granted = (e.flags & GTF_type_mask) == GTF_permit_access && e.domid == back_domain;
        CHECK(granted || hostile);
        return granted ? static_cast<char *>(arch::Mmu::frame_ptr(arch::Mmu::to_pseudo(Mfn{e.frame}))) : nullptr;
    }
    bool move(unsigned operation, std::uint64_t sector, blkif_request_segment const *segments, unsigned count)
    {
        for (unsigned i = 0; i < count; ++i) {
            auto const s = segments[i];
            auto *memory = page(s.gref);
            bool const sound = memory && s.first_sect <= s.last_sect && s.last_sect < 8 && sector < disk_sectors
                && sector + s.last_sect - s.first_sect < disk_sectors;
            CHECK(sound || hostile);
            if (!sound)
                return false;
            auto const n = (s.last_sect - s.first_sect + 1u) * kernel::sector_bytes;
            memory += s.first_sect * kernel::sector_bytes;
            auto *ours = bytes.data() + sector * kernel::sector_bytes;
            operation == BLKIF_OP_READ ? std::memcpy(memory, ours, n) : std::memcpy(ours, memory, n);
            sector += n / kernel::sector_bytes;
        }
        return true;
    }
    void serve_one(blkif_request const &q)
    {
        blkif_request_indirect d;
        std::memcpy(&d, &q, sizeof d);
        bool done = true;
        if (q.operation == BLKIF_OP_INDIRECT) {
            auto *list = page(d.indirect_grefs[0]);
            done = list && d.nr_segments <= page_size / sizeof(blkif_request_segment)
                && move(d.indirect_op, d.sector_number, reinterpret_cast<blkif_request_segment *>(list), d.nr_segments);
            return answer(d.id, d.indirect_op, done ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
        }
        if (q.operation <= BLKIF_OP_WRITE)
            done = q.nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST
                && move(q.operation, q.sector_number, q.seg, q.nr_segments);
        answer(q.id, q.operation, done ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR);
    }
    // Does what it is asked. The number of requests.
    unsigned serve()
    {
        blkif_request q;
        unsigned n = 0;
        for (; n < slots && take(q); ++n)
            serve_one(q);
        if (n != 0)
            notify();
        return n;
    }
    void serve_all()
    {
        while (serve() != 0) {}
    }

    static constexpr unsigned slots = 32;

private:
    blkif_sring *ring_ = nullptr;
    RING_IDX asked_ = 0, answered_ = 0;
};

Features features(unsigned indirect = 0)
{
    Features f;
    f.sectors = disk_sectors;
    f.flush = true;
    f.indirect_segments = indirect;
    return f;
}

std::string noise(unsigned seed, unsigned pages)
{
    std::mt19937 random{seed};
    std::string s(pages * page_size, 0);
    for (auto &c : s)
        c = static_cast<char>(random());
    return s;
}

void write_and_read(unsigned indirect, unsigned requests_each)
{
    world::begin();
    Back back;
    back.connect(features(indirect));
    auto const text = noise(1, 32);
    TestIo out(BlockOp::write, 80, 32, text), in(BlockOp::read, 80, 32);
    back.disk->submit(out.io);
    CHECK_EQ(back.serve(), requests_each);
    CHECK_EQ(out.ended, 1u);
    CHECK(back.bytes.substr(80 * 512, text.size()) == text);
    CHECK_EQ(back.bytes[80 * 512 - 1], 'e');
    CHECK_EQ(back.bytes[80 * 512 + text.size()], 'e');
    back.disk->submit(in.io);
    CHECK_EQ(back.serve(), requests_each);
    CHECK_EQ(in.ended, 1u);
    CHECK(in.io.result == Error::none);
    CHECK(in.data() == text);
    back.disk->close(Error::nxio);
}
}  // namespace

TEST(front, a_request_goes_out_in_parts_of_eleven_pages) { write_and_read(0, 3); }
TEST(front, a_request_goes_out_whole_with_indirect_segments) { write_and_read(64, 1); }

TEST(front, what_the_back_end_says_of_a_request_reaches_its_caller)
{
    world::begin();
    Back back;
    back.connect(features());
    TestIo one(BlockOp::read, 0, 32), flush(BlockOp::flush, 0, 0), beyond(BlockOp::read, disk_sectors - 7, 1);
    back.disk->submit(one.io);
    blkif_request q;
    for (int part = 0; back.take(q); ++part)
        back.answer(q.id, q.operation, part == 1 ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
    back.notify();
    CHECK_EQ(one.ended, 1u);
    CHECK(one.io.result == Error::io);
    back.disk->submit(flush.io);
    CHECK(back.take(q));
    CHECK_EQ(q.operation, BLKIF_OP_FLUSH_DISKCACHE);
    back.answer(q.id, q.operation, BLKIF_RSP_EOPNOTSUPP);
    back.notify();
    CHECK_EQ(flush.ended, 1u);
    CHECK(flush.io.result == Error::none);
    back.disk->submit(beyond.io);
    CHECK_EQ(beyond.ended, 1u);
    CHECK(beyond.io.result != Error::none);
    CHECK_EQ(back.serve(), 0u);
    CHECK(!back.disk->broken());
    back.disk->close(Error::nxio);
}

TEST(front, more_requests_than_the_ring_holds_wait_their_turn)
{
    world::begin();
    Back back;
    back.connect(features(64));
    std::vector<std::unique_ptr<TestIo>> all;
    for (unsigned i = 0; i < 200; ++i) {
        all.push_back(std::make_unique<TestIo>(BlockOp::write, (i * 37 % 200) * 16, 1, noise(i, 1)));
        back.disk->submit(all.back()->io);
    }
    back.serve_all();
    for (unsigned i = 0; i < 200; ++i) {
        CHECK_EQ(all[i]->ended, 1u);
        CHECK(back.bytes.substr((i * 37 % 200) * 16 * 512, page_size) == noise(i, 1));
    }
    back.disk->close(Error::nxio);
}

TEST(front, a_back_end_that_goes_and_returns_is_asked_again_and_nothing_is_lost)
{
    world::begin();
    Back back;
    back.connect(features());
    auto const before = back.bytes;
    TestIo one(BlockOp::write, 0, 8, noise(1, 8)), two(BlockOp::write, 800, 32, noise(2, 32)), later(BlockOp::read, 0, 8);
    back.disk->submit(one.io);
    back.disk->submit(two.io);
    blkif_request q;
    CHECK(back.take(q));
    back.answer(q.id, q.operation);  // of which the front end never hears: the
                                     // ring goes with its back end
    back.disk->close();
    CHECK_EQ(one.ended + two.ended, 0u);
    CHECK(back.bytes == before);
    back.disk->submit(later.io);  // waits for the next one
    back.connect(features(64));
    back.serve_all();
    CHECK_EQ(one.ended, 1u);
    CHECK_EQ(two.ended, 1u);
    CHECK_EQ(later.ended, 1u);
    CHECK(one.io.result == Error::none && two.io.result == Error::none && later.io.result == Error::none);
    CHECK(back.bytes.substr(0, 8 * page_size) == noise(1, 8));
    CHECK(back.bytes.substr(800 * 512, 32 * page_size) == noise(2, 32));
    back.disk->close(Error::nxio);
}

// A guest that powers off flushes all its disks, those too whose back end is away.
TEST(front, a_flush_waits_for_a_back_end_that_is_away_only_if_it_has_something_to_flush)
{
    world::begin();
    Back back;
    back.connect(features());
    TestIo first(BlockOp::flush, 0, 0), second(BlockOp::flush, 0, 0), third(BlockOp::flush, 0, 0);
    TestIo read(BlockOp::read, 0, 8), write(BlockOp::write, 0, 8, noise(3, 8));
    back.disk->submit(read.io);
    back.serve_all();
    back.disk->close();
    back.disk->submit(first.io);
    CHECK_EQ(first.ended, 1u);
    CHECK(first.io.result == Error::none);

    back.connect(features());
    back.disk->submit(write.io);
    back.serve_all();
    CHECK_EQ(write.ended, 1u);
    back.disk->close();
    back.disk->submit(second.io);
    CHECK_EQ(second.ended, 0u);

    back.connect(features());
    back.serve_all();
    CHECK_EQ(second.ended, 1u);
    back.disk->close();
    back.disk->submit(third.io);  // the second one has seen to all
    CHECK_EQ(third.ended, 1u);
    back.disk->close(Error::nxio);
}

TEST(front, an_answer_counts_once_and_only_for_what_was_asked)
{
    for (int lie = 0; lie < 4; ++lie)
        CHECK_EQ(posix::child_status([lie] {
                     world::begin();
                     Back back;
                     back.connect(features());
                     TestIo one(BlockOp::read, 0, 1), two(BlockOp::read, 100, 1);
                     back.disk->submit(one.io);
                     back.disk->submit(two.io);
                     blkif_request q;
                     CHECK(back.take(q));
                     switch (lie) {
                     case 0: back.answer(q.id + 256, q.operation); break;   // another generation of that slot
                     case 1: back.answer(q.id, BLKIF_OP_WRITE); break;      // another operation
                     case 2: back.answer(q.id ^ 0x80, q.operation); break;  // a slot that is free
                     default: back.answer(q.id, q.operation), back.answer(q.id, q.operation);  // twice
                     }
                     back.notify();
                     CHECK(back.disk->broken());
                     CHECK_EQ(one.ended + two.ended, lie == 3 ? 1u : 0u);
                     back.disk->close(Error::io);
                     CHECK_EQ(one.ended, 1u);
                     CHECK_EQ(two.ended, 1u);
                     CHECK(two.io.result == Error::io);
                 }),
                 0);
}

// Whatever it does: each transfer ends once, and no memory is touched but what
// is granted (the sanitizers watch).
TEST(front, a_hostile_back_end_does_no_harm)
{
    world::begin();
    std::mt19937 random{20};
    unsigned broken = 0;
    for (int round = 0; round < 300; ++round) {
        Back back;
        back.hostile = true;
        back.connect(features(random() % 2 ? 64 : 0));
        std::vector<std::unique_ptr<TestIo>> all;
        for (int step = 0; step < 60 && !back.disk->broken(); ++step) {
            auto const kind = random() % 12;
            blkif_request q{};
            if (kind < 5 && all.size() < 24) {
                auto const op = random() % 3 == 0 ? BlockOp::flush : random() % 2 ? BlockOp::read : BlockOp::write;
                auto const pages = op == BlockOp::flush ? 0 : 1 + random() % 32;
                all.push_back(std::make_unique<TestIo>(op, random() % 3000, pages, noise(random(), pages)));
                back.disk->submit(all.back()->io);
            } else if (kind < 9) {
                (void)back.serve();
            } else if (kind == 9) {
                if (back.take(q) || !back.seen.empty())
                    back.answer(random() % 3 ? back.seen[random() % back.seen.size()].id : random(), random() % 8,
                                static_cast<int>(random()));
                back.notify();
            } else if (kind == 10 && random() % 4 == 0) {
                back.ring().rsp_prod += random() % 3 ? random() : 1;
                back.notify();
            } else {
                back.ring().req_prod = back.ring().req_event = random();
                back.ring().rsp_event = random();
                for (auto &slot : back.ring().ring[0].req.seg)
                    slot.gref = random();
                back.notify();
            }
        }
        broken += back.disk->broken();
        back.disk->close(Error::io);
        for (auto &io : all)
            CHECK_EQ(io->ended, 1u);
    }
    CHECK(broken > 100);
}

TEST(front, its_memory_comes_back)
{
    world::begin();
    auto const before = world::free_frames();
    for (int round = 0; round < 20; ++round) {
        Back back;
        back.connect(features(64));
        TestIo one(BlockOp::write, 0, 32, noise(3, 32));
        back.disk->submit(one.io);
        if (round % 2)
            back.serve_all();
        back.disk->close(Error::io);
        CHECK_EQ(one.ended, 1u);
    }
    CHECK(before - world::free_frames() <= 4);  // the grant table's own
}
