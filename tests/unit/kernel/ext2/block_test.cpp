// SPDX-License-Identifier: MIT
// The queue in front of a disk, partition tables, direct transfers.
#include "world.hpp"
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <kernel/block/partition.hpp>
#include <kernel/memory/frames.hpp>
#include <unistd.h>

using namespace kernel;
using namespace world;

namespace {
// A device that keeps what it is given until the test says so.
class SlowDisk final : public QueuedDisk {
public:
    explicit SlowDisk(unsigned depth) : QueuedDisk{"slow"}
    {
        limits_.depth = depth;
        limits_.max_segments = 8;
        limits_.max_sectors = 64;
        limits_.write_cache = true;
        set_sectors(1 << 20);
    }
    std::vector<BlockRequest *> at_work;
    bool room_left = true;
    void finish_first(Error e = Error::none)
    {
        auto *r = at_work.front();
        at_work.erase(at_work.begin());
        ended(*r, e);
    }
    using QueuedDisk::fail_waiting;
    using QueuedDisk::room;

protected:
    bool issue(BlockRequest &r) override
    {
        if (room_left)
            at_work.push_back(&r);
        return room_left;
    }
};

struct Io : BlockIo {
    std::vector<BlockSegment> room;
    unsigned answers = 0;
    Io(BlockOp o, std::uint64_t s, unsigned pages = 1)
    {
        op = o;
        sector = s;
        for (unsigned i = 0; i < pages; ++i)
            room.push_back({Pfn{100 + i}, 0, 4096});
        if (o == BlockOp::read || o == BlockOp::write) {
            segments = room.data();
            segment_count = pages;
            sectors = pages * 8;
        }
        context = this;
        done = [](BlockIo &io) { ++static_cast<Io *>(io.context)->answers; };
    }
};
}  // namespace

TEST_CASE("neighbours that wait become one request, within the device's limits")
{
    begin();
    SlowDisk disk{1};
    Io first{BlockOp::read, 10'000}, a{BlockOp::write, 80}, c{BlockOp::write, 96}, b{BlockOp::write, 88},
        before{BlockOp::write, 72}, other{BlockOp::read, 104};
    disk.submit(first);
    for (auto *io : {&a, &c, &b, &before, &other})
        disk.submit(*io);
    REQUIRE(disk.at_work.size() == 1);
    disk.finish_first();
    REQUIRE(disk.at_work[0]->op == BlockOp::read);  // reads go first
    disk.finish_first();
    REQUIRE(disk.at_work[0]->sector == 72);
    REQUIRE(disk.at_work[0]->sectors == 32);
    REQUIRE(disk.at_work[0]->segments == 4);
    std::vector<std::uint64_t> order;
    for (auto *io = disk.at_work[0]->first; io; io = io->next)
        order.push_back(io->sector);
    REQUIRE(order == std::vector<std::uint64_t>{72, 80, 88, 96});
    disk.finish_first(Error::io);
    for (auto *io : {&a, &b, &c, &before})
        REQUIRE((io->answers == 1 && io->result == Error::io));
    REQUIRE(other.answers == 1);

    disk.submit(first);
    std::vector<std::unique_ptr<Io>> many;
    for (unsigned i = 0; i < 20; ++i) {
        many.push_back(std::make_unique<Io>(BlockOp::write, 8 * i));
        disk.submit(*many.back());
    }
    disk.finish_first();
    unsigned requests = 0;
    while (!disk.at_work.empty()) {
        REQUIRE(disk.at_work[0]->segments <= 8);
        ++requests;
        disk.finish_first();
    }
    REQUIRE(requests == 3);
}

TEST_CASE("a plug holds everything back, a full device gets it later, a lost one fails it")
{
    begin();
    SlowDisk disk{4};
    Io a{BlockOp::write, 0}, b{BlockOp::write, 8}, f{BlockOp::flush, 0}, w{BlockOp::write, 800};
    {
        BlockPlug plug{disk};
        disk.submit(a);
        disk.submit(b);
        REQUIRE(disk.at_work.empty());
    }
    REQUIRE(disk.at_work.size() == 1);
    disk.finish_first();
    disk.room_left = false;
    disk.submit(w);
    disk.submit(f);
    REQUIRE(disk.at_work.empty());
    disk.room_left = true;
    disk.room();
    REQUIRE(disk.at_work.size() == 2);
    disk.finish_first();
    disk.finish_first();
    disk.room_left = false;
    Io lost{BlockOp::read, 0};
    disk.submit(lost);
    disk.fail_waiting(Error::nxio);
    REQUIRE((lost.answers == 1 && lost.result == Error::nxio));
}

TEST_CASE("a write that must be durable is followed by a flush where the device cannot promise it")
{
    begin();
    SlowDisk disk{4};
    Io w{BlockOp::write, 0};
    w.fua = true;
    disk.submit(w);
    disk.finish_first();
    REQUIRE(w.answers == 0);
    REQUIRE(disk.at_work[0]->op == BlockOp::flush);
    disk.finish_first();
    REQUIRE((w.answers == 1 && w.result == Error::none));
}

TEST_CASE("what does not lie on the device is refused")
{
    begin();
    SlowDisk disk{4};
    Io beyond{BlockOp::read, (1 << 20) - 7}, at_end{BlockOp::read, 1 << 20}, wrapping{BlockOp::read, ~0ull - 3},
        discard{BlockOp::discard, 0};
    discard.sectors = 8;
    for (auto *io : {&beyond, &at_end, &wrapping}) {
        disk.submit(*io);
        REQUIRE((io->answers == 1 && io->result == Error::io));
    }
    disk.submit(discard);
    REQUIRE(discard.result == Error::opnotsupp);
    disk.forced_read_only = true;
    Io write{BlockOp::write, 0};
    disk.submit(write);
    REQUIRE(write.result == Error::rofs);
    REQUIRE(disk.at_work.empty());
}

TEST_CASE("random transfers are each answered once, and a disk keeps what it was given")
{
    begin();
    std::mt19937 random{9};
    SlowDisk disk{3};
    std::vector<std::unique_ptr<Io>> all;
    for (unsigned i = 0; i < 5000; ++i) {
        auto op = random() % 20 == 0 ? BlockOp::flush : random() % 2 ? BlockOp::read : BlockOp::write;
        all.push_back(std::make_unique<Io>(op, 8 * (random() % 500), 1 + random() % 4));
        all.back()->fua = op == BlockOp::write && random() % 10 == 0;
        disk.submit(*all.back());
        while (!disk.at_work.empty() && random() % 3 != 0)
            disk.finish_first();
    }
    while (!disk.at_work.empty())
        disk.finish_first();
    for (auto &io : all)
        REQUIRE(io->answers == 1);
    REQUIRE(disk.with_device() == 0);
}

namespace {
struct Image final : PartitionSource {
    std::vector<char> bytes;
    explicit Image(std::size_t n) : bytes(n)
    {
        sectors = n / 512;
        logical_bytes = 512;
    }
    Result<> read(std::uint64_t sector, void *to) override
    {
        if (sector >= sectors)
            return Error::io;
        std::memcpy(to, &bytes[static_cast<std::size_t>(sector) * 512], 512);
        return {};
    }
};

// A table that sfdisk(8) makes from a script.
std::vector<PartitionEntry> partitions_of(std::string const &script, std::function<void(Image &)> damage = {})
{
    char name[] = "/dev/shm/ext2-parts-XXXXXX";
    close(mkstemp(name));
    auto command = "truncate -s 64M " + std::string{name} + " && printf '" + script + "' | sfdisk -q " + name
        + " >/dev/null 2>&1";
    REQUIRE(std::system(command.c_str()) == 0);
    Image image{64 << 20};
    std::FILE *f = std::fopen(name, "rb");
    REQUIRE(std::fread(image.bytes.data(), 1, image.bytes.size(), f) == image.bytes.size());
    std::fclose(f);
    unlink(name);
    if (damage)
        damage(image);
    PartitionEntry entries[partitions_max + 4];
    auto count = read_partition_table(image, entries);
    return {entries, entries + count};
}
}  // namespace

TEST_CASE("partition tables of sfdisk")
{
    auto gpt = partitions_of("label: gpt\\nstart=2048,size=10000\\nstart=20480,size=4096\\n");
    REQUIRE(gpt.size() == 2);
    CHECK((gpt[0].number == 1 && gpt[0].first_sector == 2048 && gpt[0].sectors == 10000));
    CHECK((gpt[1].number == 2 && gpt[1].first_sector == 20480 && gpt[1].sectors == 4096));
    auto backup = partitions_of("label: gpt\\nstart=2048,size=10000\\n", [](Image &i) { i.bytes[512 + 20] ^= 1; });
    CHECK(backup.size() == 1);
    auto none = partitions_of("label: gpt\\nstart=2048,size=10000\\n", [](Image &i) {
        i.bytes[512 + 20] ^= 1;
        i.bytes[i.bytes.size() - 512 + 20] ^= 1;
    });
    CHECK(none.empty());

    auto mbr = partitions_of("label: "
                             "dos\\nstart=2048,size=8192,type=83\\nstart=12288,size=40960,type=5\\nstart=14336,size="
                             "4096\\nstart=20480,size=4096\\n");
    REQUIRE(mbr.size() == 4);
    CHECK((mbr[1].number == 2 && mbr[1].sectors == 2));
    CHECK((mbr[2].number == 5 && mbr[2].first_sector == 14336 && mbr[2].sectors == 4096));
    CHECK((mbr[3].number == 6 && mbr[3].first_sector == 20480));
    CHECK(partitions_of("label: dos\\nstart=2048,size=8192\\n", [](Image &i) { i.bytes[511] = 0; }).empty());
    // Beyond the disk: left out.
    CHECK(partitions_of("label: dos\\nstart=2048,size=8192\\n", [](Image &i) {
              std::memset(&i.bytes[446 + 12], 0xff, 4);
          }).empty());
}

TEST_CASE("random partition tables do no harm")
{
    std::mt19937 random{5};
    for (unsigned round = 0; round < 300; ++round) {
        Image image{1 << 20};
        for (auto &b : image.bytes)
            b = static_cast<char>(random());
        for (std::size_t s = 0; s < image.bytes.size(); s += 512) {
            image.bytes[s + 510] = 0x55;
            image.bytes[s + 511] = static_cast<char>(0xaa);
            for (unsigned e = 0; e < 4; ++e) {
                image.bytes[s + 446 + 16 * e] = 0;
                image.bytes[s + 446 + 16 * e + 4] = random() % 2 ? char{5} : static_cast<char>(0x83);
                image.bytes[s + 446 + 16 * e + 10] = image.bytes[s + 446 + 16 * e + 11] = 0;
            }
        }
        PartitionEntry entries[partitions_max + 4];
        auto count = read_partition_table(image, entries);
        for (unsigned i = 0; i < count; ++i)
            REQUIRE(entries[i].first_sector + entries[i].sectors <= image.sectors);
    }
}
