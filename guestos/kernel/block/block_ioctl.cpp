// SPDX-License-Identifier: MIT
// ioctls of block devices: sizes, read-only, partitions, discard. Numbers and structures from linux/fs.h, blkpg.h, hdreg.h.
#include <algorithm>
#include <kernel/block/block_file.hpp>
#include <kernel/block/loop.hpp>
#include <kernel/block/partition.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/process.hpp>
#include <linux/blkpg.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/hdreg.h>

namespace kernel {
namespace {
static_assert(BLKGETSIZE64 == 0x8004'1272 && sizeof(blkpg_ioctl_arg) == 16 && sizeof(blkpg_partition) == 148);

bool is_administrator() { return current().credentials.has_cap(CAP_SYS_ADMIN); }

template <class T>
Result<std::int32_t> put(std::uint32_t argument, std::uint64_t value)
{
    TRY(UserPtr<T>{argument}.write(static_cast<T>(value)));
    return 0;
}

struct Range {
    std::uint64_t start, bytes;
};
// The argument of BLKDISCARD and BLKZEROOUT: two 64-bit numbers, whole blocks inside the device.
Result<Range> range_of(BlockDevice &d, std::uint32_t argument)
{
    auto r = TRY(UserPtr<Range>{argument}.read());
    auto const mask = d.limits().logical_bytes - 1;
    auto const size = d.sectors() << sector_shift;
    if (((r.start | r.bytes) & mask) != 0 || r.start > size || r.bytes > size - r.start)
        return Error::inval;
    if (d.read_only())
        return Error::perm;
    return r;
}

Result<std::int32_t> discard(BlockDevice &d, std::uint32_t argument)
{
    auto r = TRY(range_of(d, argument));
    if (!d.limits().discard)
        return Error::opnotsupp;
    auto const first = static_cast<std::uint32_t>(r.start >> page_shift),
               last = static_cast<std::uint32_t>((r.start + r.bytes + page_size - 1) >> page_shift);
    TRY(d.pages().write_and_wait(first, last));
    TRY(d.discard(r.start >> sector_shift, r.bytes >> sector_shift));
    d.pages().invalidate(first, last);
    return 0;
}

Result<std::int32_t> change_partitions(BlockDevice &d, std::uint32_t argument)
{
    if (!is_administrator())
        return Error::acces;
    auto arg = TRY(UserPtr<blkpg_ioctl_arg>{argument}.read());
    auto p = TRY(UserPtr<blkpg_partition>{vaddr_of(arg.data).raw()}.read());
    constexpr auto sector_mask = std::uint64_t{sector_bytes} - 1;
    auto const start = static_cast<std::uint64_t>(p.start), length = static_cast<std::uint64_t>(p.length);
    if (d.as_partition() || p.pno <= 0)
        return Error::inval;
    auto const number = static_cast<unsigned>(p.pno);
    if (arg.op == BLKPG_DEL_PARTITION) {
        TRY(delete_partition(d, number));
        return 0;
    }
    if (p.start < 0 || p.length <= 0 || ((start | length) & sector_mask) != 0)
        return Error::inval;
    PartitionEntry const entry{number, start >> sector_shift, length >> sector_shift};
    if (arg.op == BLKPG_ADD_PARTITION)
        TRY(add_partition(d, entry));
    else if (arg.op == BLKPG_RESIZE_PARTITION)
        TRY(resize_partition(d, entry));
    else
        return Error::inval;
    return 0;
}

// The geometry that fdisk(8) asks for: disks have none, this one is customary.
Result<std::int32_t> geometry(BlockDevice &d, std::uint32_t argument)
{
    hd_geometry g{};
    g.heads = 255;
    g.sectors = 63;
    g.cylinders = static_cast<unsigned short>(std::min<std::uint64_t>(d.sectors() / (255u * 63), 0xffff));
    g.start = d.as_partition() ? static_cast<unsigned long>(d.as_partition()->first_sector()) : 0;
    TRY(UserPtr<hd_geometry>{argument}.write(g));
    return 0;
}

Result<std::int32_t> sizes(BlockDevice &d, unsigned command, std::uint32_t argument)
{
    auto const bytes = d.sectors() << sector_shift;
    switch (command) {
    case BLKGETSIZE:
        return d.sectors() > 0xffff'ffff ? Result<std::int32_t>{Error::fbig} : put<std::uint32_t>(argument, d.sectors());
    case BLKGETSIZE64: return put<std::uint64_t>(argument, bytes);
    case BLKSSZGET: return put<std::int32_t>(argument, d.limits().logical_bytes);
    case BLKPBSZGET: return put<std::uint32_t>(argument, d.limits().physical_bytes);
    case BLKBSZGET: return put<std::uint32_t>(argument, page_size);
    case BLKIOMIN: return put<std::uint32_t>(argument, d.limits().physical_bytes);
    case BLKIOOPT:
    case BLKALIGNOFF: return put<std::uint32_t>(argument, 0);
    case BLKSECTGET: return put<std::uint16_t>(argument, std::min<std::uint32_t>(d.limits().max_sectors, 0xffff));
    case BLKDISCARDZEROES: return put<std::uint32_t>(argument, 0);
    case BLKROTATIONAL: return put<std::uint16_t>(argument, d.limits().rotational);
    case BLKRAGET:
    case BLKFRAGET: return put<std::uint32_t>(argument, d.read_ahead_sectors);
    case BLKROGET: return put<std::int32_t>(argument, d.read_only());
    default: return Error::notty;
    }
}

Result<std::int32_t> set_block_size(std::uint32_t argument)
{
    auto n = TRY(UserPtr<std::uint32_t>{argument}.read());
    return n >= 512 && n <= page_size && (n & (n - 1)) == 0 ? Result<std::int32_t>{0}
                                                            : Result<std::int32_t>{Error::inval};
}

Result<std::int32_t> changes(BlockDevice &d, unsigned command, std::uint32_t argument)
{
    switch (command) {
    case BLKROSET:
        if (!is_administrator())
            return Error::acces;
        d.forced_read_only = TRY(UserPtr<std::int32_t>{argument}.read()) != 0;
        return 0;
    case BLKRASET:
    case BLKFRASET:
        if (!is_administrator())
            return Error::acces;
        d.read_ahead_sectors = argument;
        return 0;
    case BLKBSZSET: return set_block_size(argument);
    case BLKFLSBUF:
        if (!is_administrator())
            return Error::acces;
        TRY(d.pages().write_and_wait());
        d.pages().invalidate(0, ~0u);
        return 0;
    case BLKRRPART:
        if (!is_administrator())
            return Error::acces;
        if (d.as_partition())
            return Error::inval;
        TRY(d.pages().write_and_wait());
        TRY(scan_partitions(d));
        return 0;
    case BLKPG: return change_partitions(d, argument);
    case BLKDISCARD: return discard(d, argument);
    case BLKSECDISCARD: return Error::opnotsupp;
    case BLKZEROOUT: {
        auto r = TRY(range_of(d, argument));
        TRY(zero_out(d, r.start, r.bytes));
        return 0;
    }
    case HDIO_GETGEO: return geometry(d, argument);
    default: return sizes(d, command, argument);
    }
}
}  // namespace

Result<std::int32_t> block_ioctl(BlockDevice &d, unsigned command, std::uint32_t argument)
{
    return changes(d, command, argument);
}

Result<std::int32_t> BlockFile::ioctl(unsigned command, std::uint32_t argument)
{
    bool const writes = command == BLKDISCARD || command == BLKZEROOUT || command == BLKSECDISCARD;
    if (writes && !writable())
        return Error::badf;
    if (auto *loop = device_->as_loop(); loop) {
        auto answer = loop_ioctl(*loop, *this, command, argument);
        if (answer.ok() || answer.error() != Error::notty)
            return answer;
    }
    return block_ioctl(*device_, command, argument);
}

Result<> zero_out(BlockDevice &d, std::uint64_t start, std::uint64_t bytes)
{
    auto const first = static_cast<std::uint32_t>(start >> page_shift),
               last = static_cast<std::uint32_t>((start + bytes + page_size - 1) >> page_shift);
    TRY(d.pages().write_and_wait(first, last));
    auto const zeroes = TRY(allocate_zeroed_frame());
    Result<> result{};
    for (auto at = start; at < start + bytes && result.ok();) {
        IoWait wait;
        IoBatch batch{d, BlockOp::write, tell_wait, &wait};
        auto const end = std::min(start + bytes, at + (std::uint64_t{1} << 20));
        for (std::uint32_t n = 0; at < end; at += n) {
            n = static_cast<std::uint32_t>(std::min<std::uint64_t>(end - at, page_size));
            batch.add(zeroes, 0, n, at >> sector_shift);
        }
        batch.start();
        result = wait.wait();
    }
    unref_frame(zeroes);
    d.pages().invalidate(first, last);
    return result;
}
}  // namespace kernel
