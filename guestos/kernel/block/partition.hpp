// SPDX-License-Identifier: MIT
// Parts of a disk: MBR (with extended partitions) and GPT (UEFI 2.10, chapter 5).
#pragma once
#include <kernel/block/block_device.hpp>
#include <span>

namespace kernel {
struct PartitionEntry {
    unsigned number;  // from 1
    std::uint64_t first_sector, sectors;
};

class Partition final : public BlockDevice {
public:
    Partition(BlockDevice &disk, std::string_view name, PartitionEntry const &);
    ~Partition() override;
    Partition *as_partition() override { return this; }
    BlockDevice &whole() override { return disk_; }
    void plug() override { disk_.plug(); }
    void unplug() override { disk_.unplug(); }
    bool read_only() const override { return BlockDevice::read_only() || disk_.read_only(); }
    unsigned number() const { return entry_.number; }
    std::uint64_t first_sector() const { return entry_.first_sector; }
    void resize(std::uint64_t sectors)
    {
        entry_.sectors = sectors;
        set_sectors(sectors);
    }

protected:
    void start(BlockIo &) override;

private:
    BlockDevice &disk_;  // keeps a reference
    PartitionEntry entry_;
};

inline constexpr unsigned partitions_max = 15;  // with the disk itself, sixteen minors
// What a disk's first sectors say; how many. Anything not understood is no partition. Reads through `read`, a logical block at
// a time: for tests.
struct PartitionSource {
    virtual Result<> read(std::uint64_t sector, void *to) = 0;  // 512 bytes
    std::uint64_t sectors;
    std::uint32_t logical_bytes;

protected:
    ~PartitionSource() = default;
};
unsigned read_partition_table(PartitionSource &, std::span<PartitionEntry> out);

Result<> add_partition(BlockDevice &disk, PartitionEntry const &);
void remove_partitions(BlockDevice &disk);                      // all, in use or not
Result<> delete_partition(BlockDevice &disk, unsigned number);  // Error::nxio: there is none. Error::busy
Result<> resize_partition(BlockDevice &disk, PartitionEntry const &);
}  // namespace kernel
