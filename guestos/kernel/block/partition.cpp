// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/block/partition.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <lib/format.hpp>

namespace kernel {
Partition::Partition(BlockDevice &disk, std::string_view name, PartitionEntry const &e)
    : BlockDevice{name}, disk_{disk}, entry_{e}
{
    disk_.ref();
    limits_ = disk.limits();
    set_sectors(e.sectors);
}

Partition::~Partition() { disk_.unref(); }

void Partition::start(BlockIo &io)
{
    if (disk_.gone)
        return finish(io, Error::nxio);
    io.sector += entry_.first_sector;
    start_on(disk_, io);
}

namespace {
Partition *find(BlockDevice &disk, unsigned number)
{
    struct Search {
        BlockDevice &disk;
        unsigned number;
        Partition *found;
    } search{disk, number, nullptr};
    for_each_block_device(
        [](void *context, BlockDevice &d) {
            auto &s = *static_cast<Search *>(context);
            auto *p = d.as_partition();
            if (p && &p->whole() == &s.disk && (s.number == 0 || p->number() == s.number))
                s.found = p;
            return !s.found;
        },
        &search);
    return search.found;
}

Partition *any_in_use(BlockDevice &disk)
{
    for (unsigned n = 1; n <= partitions_max; ++n)
        if (auto *p = find(disk, n); p && (p->openers != 0 || p->claimed()))
            return p;
    return nullptr;
}

bool overlaps(BlockDevice &disk, PartitionEntry const &e)
{
    for (unsigned n = 1; n <= partitions_max; ++n)
        if (auto *p = find(disk, n); p && n != e.number && e.first_sector < p->first_sector() + p->sectors()
            && p->first_sector() < e.first_sector + e.sectors)
            return true;
    return false;
}

class DiskSource final : public PartitionSource {
public:
    DiskSource(BlockDevice &disk, Pfn frame) : disk_{disk}, frame_{frame}
    {
        sectors = disk.sectors();
        logical_bytes = disk.limits().logical_bytes;
    }
    Result<> read(std::uint64_t sector, void *to) override
    {
        auto const per_block = logical_bytes / sector_bytes;
        auto const first = sector / per_block * per_block;
        TRY(disk_.transfer(BlockOp::read, first, frame_, 0, logical_bytes));
        std::memcpy(to, static_cast<char *>(frame_address(frame_)) + (sector - first) * sector_bytes, sector_bytes);
        return {};
    }

private:
    BlockDevice &disk_;
    Pfn frame_;
};
}  // namespace

Result<> add_partition(BlockDevice &disk, PartitionEntry const &e)
{
    if (e.number > partitions_max || e.first_sector >= disk.sectors() || e.sectors > disk.sectors() - e.first_sector)
        return Error::inval;
    if (find(disk, e.number) || overlaps(disk, e))
        return Error::busy;
    std::string_view const base{disk.name()};
    bool const digit = base.back() >= '0' && base.back() <= '9';
    char name[28];
    auto length = format(name, sizeof name, "%s%s%u", disk.name(), digit ? "p" : "", e.number);
    auto made = TRY(make_ref<Partition>(disk, std::string_view{name, static_cast<std::size_t>(length)}, e));
    // Loop devices are numbered without gaps: their partitions have numbers elsewhere.
    constexpr std::uint32_t loop_major = 7, extended_major = 259;
    if (disk.major == loop_major)
        return add_block_device(std::move(made), extended_major, disk.minor * 16 + e.number);
    return add_block_device(std::move(made), disk.major, disk.minor + e.number);
}

void remove_partitions(BlockDevice &disk)
{
    while (auto *p = find(disk, 0))
        remove_block_device(*p);
}

Result<> delete_partition(BlockDevice &disk, unsigned number)
{
    auto *p = find(disk, number);
    if (!p)
        return Error::nxio;
    if (p->openers != 0 || p->claimed())
        return Error::busy;
    remove_block_device(*p);
    return {};
}

Result<> resize_partition(BlockDevice &disk, PartitionEntry const &e)
{
    auto *p = find(disk, e.number);
    if (!p)
        return Error::nxio;
    if (p->first_sector() != e.first_sector || e.sectors > disk.sectors() - e.first_sector)
        return Error::inval;
    if (overlaps(disk, e))
        return Error::busy;
    p->resize(e.sectors);
    return {};
}

Result<> scan_partitions(BlockDevice &disk)
{
    if (any_in_use(disk))
        return Error::busy;
    remove_partitions(disk);
    auto frame = TRY(allocate_frame());
    PartitionEntry entries[partitions_max + 4];
    DiskSource source{disk, frame};
    auto count = read_partition_table(source, entries);
    unref_frame(frame);
    for (unsigned i = 0; i < count; ++i)
        if (auto added = add_partition(disk, entries[i]); !added.ok())
            log("<4>%s: partition %u is left out: it overlaps another one or is numbered too high", disk.name(),
                entries[i].number);
    return {};
}
}  // namespace kernel
