// SPDX-License-Identifier: MIT
// The bytes of a block device as a file: what reads and writes of /dev/NAME go through.
#pragma once
#include <kernel/block/disk_pages.hpp>

namespace kernel {
class BlockPages final : public DiskPages {
public:
    explicit BlockPages(BlockDevice &device) : device_{device} {}
    std::uint64_t size() const override { return device_.sectors() << sector_shift; }
    std::uint64_t identity_device() const override { return 0; }
    BlockDevice &disk() const override { return device_; }
    Result<Place> locate(std::uint64_t offset, std::uint32_t bytes) override;

protected:
    Result<> prepare(std::uint32_t index, std::uint32_t from, std::uint32_t to, bool mapped) override;

private:
    BlockDevice &device_;  // which owns us
};
}  // namespace kernel
