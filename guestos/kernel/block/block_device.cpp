// SPDX-License-Identifier: MIT
#include <algorithm>
#include <arch/clock.hpp>
#include <kernel/block/block_device.hpp>
#include <kernel/block/block_pages.hpp>
#include <lib/format.hpp>

namespace kernel {
BlockDevice::BlockDevice(std::string_view name)
{
    format(name_, sizeof name_, "%.*s", static_cast<int>(name.size()), name.data());
}

BlockDevice::~BlockDevice() = default;

bool PooledIo::append(Pfn frame, std::uint32_t offset, std::uint32_t bytes, std::uint64_t at_sector)
{
    if (segment_count == 0)
        sector = at_sector;
    else if (segment_count == room || sector + sectors != at_sector)
        return false;
    storage[segment_count++] = {frame, static_cast<std::uint16_t>(offset), static_cast<std::uint16_t>(bytes)};
    segments = storage;
    sectors += bytes >> sector_shift;
    return true;
}

Result<> BlockDevice::make_pool(unsigned count)
{
    pool_.reset(new (std::nothrow) PooledIo[count]);
    if (!pool_)
        return Error::nomem;
    for (unsigned i = 0; i < count; ++i)
        free_ios_.push_front(pool_[i]);
    return {};
}

PooledIo *BlockDevice::try_take_io()
{
    auto &owner = whole();
    arch::IrqGuard guard;
    if (owner.free_ios_.empty())
        return nullptr;
    auto &io = owner.free_ios_.front();
    owner.free_ios_.pop_front();
    io.fua = false;
    io.sectors = 0;
    io.segment_count = 0;
    io.result = Error::none;
    return &io;
}

PooledIo &BlockDevice::take_io()
{
    PooledIo *io = nullptr;
    (void)wait_until(
        whole().pool_wait_, [&] { return (io = try_take_io()) != nullptr; }, Sleep::uninterruptible);
    return *io;
}

void BlockDevice::give_back(PooledIo &io)
{
    auto &owner = whole();
    arch::IrqGuard guard;
    owner.free_ios_.push_front(io);
    owner.pool_wait_.wake_one();
}

Error BlockDevice::check(BlockIo const &io) const
{
    if (gone)
        return Error::nxio;
    if (io.op == BlockOp::flush)
        return Error::none;
    auto const block = limits_.logical_bytes >> sector_shift;
    if (io.sectors == 0 || io.sector % block != 0 || io.sectors % block != 0 || io.sector > sectors_
        || io.sectors > sectors_ - io.sector)
        return Error::io;
    if (io.op != BlockOp::read && read_only())
        return Error::rofs;
    return io.op == BlockOp::discard && !limits_.discard ? Error::opnotsupp : Error::none;
}

void BlockDevice::submit(BlockIo &io)
{
    io.device = this;
    io.started_ns = arch::now_ns();
    {
        arch::IrqGuard guard;
        auto &s = statistics;
        if (s.in_flight++ == 0)
            s.since_ns = io.started_ns;
    }
    auto error = check(io);
    if (error == Error::none && io.op == BlockOp::flush && !limits_.write_cache)
        return finish(io, Error::none);  // what is done is durable
    if (error != Error::none)
        return finish(io, error);
    start(io);
}

void BlockDevice::finish(BlockIo &io, Error error)
{
    arch::IrqGuard guard;
    auto &s = io.device->statistics;
    auto const now = arch::now_ns(), took = now - io.started_ns;
    switch (io.op) {
    case BlockOp::read:
    case BlockOp::write: {
        auto const i = io.op == BlockOp::read ? 0 : 1;
        ++s.ios[i];
        s.sectors[i] += io.sectors;
        s.ns[i] += took;
        break;
    }
    case BlockOp::flush:
        ++s.flushes;
        s.flush_ns += took;
        break;
    case BlockOp::discard:
        ++s.discards;
        s.discard_sectors += io.sectors;
        s.discard_ns += took;
        break;
    }
    s.weighted_ns += took;
    if (--s.in_flight == 0)
        s.busy_ns += now - s.since_ns;
    io.result = error;
    io.done(io);
}

Result<> BlockDevice::transfer(BlockOp op, std::uint64_t sector, Pfn frame, std::uint32_t offset, std::uint32_t bytes)
{
    BlockSegment const segment{frame, static_cast<std::uint16_t>(offset), static_cast<std::uint16_t>(bytes)};
    BlockIo io;
    io.op = op;
    io.sector = sector;
    io.sectors = bytes >> sector_shift;
    io.segments = &segment;
    io.segment_count = 1;
    IoWait wait;
    wait.expect(io);
    submit(io);
    return wait.wait();
}

Result<> BlockDevice::flush()
{
    BlockIo io;
    io.op = BlockOp::flush;
    IoWait wait;
    wait.expect(io);
    submit(io);
    return wait.wait();
}

Result<> BlockDevice::discard(std::uint64_t sector, std::uint64_t count)
{
    while (count != 0) {
        auto const most = limits_.discard_sectors ? limits_.discard_sectors : 1u << 22;
        BlockIo io;
        io.op = BlockOp::discard;
        io.sector = sector;
        io.sectors = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, most));
        IoWait wait;
        wait.expect(io);
        submit(io);
        TRY(wait.wait());
        sector += io.sectors;
        count -= io.sectors;
    }
    return {};
}
}  // namespace kernel
