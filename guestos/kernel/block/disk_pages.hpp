// SPDX-License-Identifier: MIT
// The page cache of something that lies on a block device: a file of a file system, or the device itself. The owner says where; the
// transfers are made here, as large as what lies together.
#pragma once
#include <kernel/block/block_device.hpp>
#include <kernel/memory/page_cache.hpp>

namespace kernel {
class IoBatch;

class DiskPages : public PageCache {
public:
    struct Place {
        std::uint64_t sector;
        std::uint32_t bytes;  // that lie together from there on; a multiple of 512
        bool hole;            // nowhere: zeroes
    };
    virtual BlockDevice &disk() const = 0;
    // Where [offset, offset + bytes) begins to lie; what is beyond the end is a hole. Both are multiples of 512. May block.
    virtual Result<Place> locate(std::uint64_t offset, std::uint32_t bytes) = 0;

    // Between a buffer and the disk, past the pages: O_DIRECT. `bytes` of the buffer are moved; position and bytes are multiples
    // of 512. The caller has dealt with the pages of that range, and has made room for what is written.
    Result<std::size_t> direct(BlockOp, IoBuffer &, std::uint64_t position, std::size_t bytes);

protected:
    bool backed() const override { return true; }
    void read_pages(std::uint32_t first, std::uint32_t count) override;
    void write_pages(std::uint32_t first, std::uint32_t count) override;

private:
    void transfer_pages(BlockOp, std::uint32_t first, std::uint32_t count);
    void transfer_piece(IoBatch &, std::uint64_t at, std::uint32_t bytes, Result<Place> const &, bool write);
    Result<std::size_t> direct_round(BlockOp, IoBuffer &, std::uint64_t position, std::size_t bytes);
};

// Transfers that are made ready one after the other and then started together, so that they can be merged.
class IoBatch {
public:
    // `done` gives each transfer back; `wait`, its context, is told to expect it.
    IoBatch(BlockDevice &device, BlockOp op, void (*done)(BlockIo &), IoWait *wait = nullptr)
        : device_{device}, op_{op}, done_{done}, wait_{wait}
    {
    }
    ~IoBatch() { start(); }
    IoBatch(IoBatch const &) = delete;
    IoBatch &operator=(IoBatch const &) = delete;
    void add(Pfn, std::uint32_t offset, std::uint32_t bytes, std::uint64_t sector);  // part of one frame; may block
    void start();

private:
    static constexpr unsigned most = 8;
    BlockDevice &device_;
    BlockOp op_;
    void (*done_)(BlockIo &);
    IoWait *wait_;
    PooledIo *ios_[most];
    unsigned count_ = 0;
};
// A `done` that only gives the transfer back and tells its IoWait.
void tell_wait(BlockIo &);
}  // namespace kernel
