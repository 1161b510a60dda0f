// SPDX-License-Identifier: MIT
// An open block special file: reads and writes through the device's pages, or past them with O_DIRECT.
#pragma once
#include <kernel/block/block_pages.hpp>
#include <kernel/fs/file.hpp>

namespace kernel {
class BlockFile final : public File {
public:
    // What device nodes are registered with. O_EXCL claims the device; a write to a read-only one is refused here.
    static Result<Ref<File>> open(Inode &, unsigned minor, unsigned flags);
    BlockFile(Ref<BlockDevice> device, unsigned open_flags);
    ~BlockFile() override;

    Result<std::size_t> read(IoBuffer &, std::uint64_t &position) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &position) override;
    bool seekable() const override { return true; }
    Result<std::uint64_t> end_position() override { return device_->sectors() << sector_shift; }
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    Result<Ref<MemoryObject>> memory_object() override { return Ref<MemoryObject>{&device_->pages()}; }
    Result<> allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes) override;
    Result<> sync(bool data_only) override;
    void advise(std::uint64_t start, std::uint64_t bytes, unsigned advice) override;
    Result<> sync_range(std::uint64_t start, std::uint64_t end, bool wait) override;
    BlockDevice &device() const { return *device_; }
    BlockFile *as_block_file() override { return this; }

private:
    Result<std::size_t> direct(BlockOp, IoBuffer &, std::uint64_t &position, std::size_t bytes);
    Ref<BlockDevice> device_;
    ReadAhead read_ahead_;
    std::uint32_t errors_seen_;
    bool claimed_ = false, counted_writer_ = false;
};
// block_ioctl.cpp: ioctls of any block device.
Result<std::int32_t> block_ioctl(BlockDevice &, unsigned command, std::uint32_t argument);
// Zeroes on the device; whatever its pages held of that range is forgotten.
Result<> zero_out(BlockDevice &, std::uint64_t start, std::uint64_t bytes);
}  // namespace kernel
