// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/block/block_file.hpp>
#include <kernel/process/process.hpp>
#include <linux/falloc.h>
#include <linux/fcntl.h>

namespace kernel {
Result<Ref<File>> BlockFile::open(Inode &inode, unsigned, unsigned flags)
{
    auto device = find_block_device(inode.attributes.rdev_major, inode.attributes.rdev_minor);
    if (!device || device->gone)
        return Error::nxio;
    bool const writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && device->read_only())
        return Error::rofs;
    auto file = TRY(make_ref<BlockFile>(device, flags & ~unsigned{O_EXCL}));
    if ((flags & O_EXCL) != 0) {
        TRY(device->claim(file.get()));
        file->claimed_ = true;
    }
    return Ref<File>{std::move(file)};
}

BlockFile::BlockFile(Ref<BlockDevice> device, unsigned open_flags)
    : File{open_flags}, device_{std::move(device)}, errors_seen_{device_->pages().errors.sample()}
{
    ++device_->openers;
    counted_writer_ = writable();
    device_->writers += counted_writer_;
}

// What was written is on the device once nobody has it open: the next one to look may be somebody else, elsewhere.
BlockFile::~BlockFile()
{
    device_->writers -= counted_writer_;
    if (claimed_)
        device_->release(this);
    if (device_->openers == 1 && device_->pages().any_dirty())
        (void)device_->pages().write_and_wait();
    if (--device_->openers == 0 && !device_->claimed())
        device_->unused();
}

Result<std::size_t> BlockFile::direct(BlockOp op, IoBuffer &buffer, std::uint64_t &at, std::size_t bytes)
{
    auto const mask = device_->limits().logical_bytes - 1;
    if ((at & mask) != 0 || (bytes & mask) != 0)
        return Error::inval;
    auto &pages = device_->pages();
    auto const first = static_cast<std::uint32_t>(at >> page_shift),
               last = static_cast<std::uint32_t>((at + bytes + page_size - 1) >> page_shift);
    if (pages.resident() != 0) {
        TRY(pages.write_and_wait(first, last));
        if (op == BlockOp::write)
            pages.invalidate(first, last);
    }
    auto moved = pages.direct(op, buffer, at, bytes);
    if (op == BlockOp::write && pages.resident() != 0)
        pages.invalidate(first, last);  // read by somebody meanwhile
    at += moved.value_or(0);
    return moved;
}

Result<std::size_t> BlockFile::read(IoBuffer &buffer, std::uint64_t &at)
{
    auto const size = end_position().value();
    if (device_->gone)
        return Error::io;
    if (at >= size || buffer.left() == 0)
        return std::size_t{0};
    if ((flags & O_DIRECT) != 0)
        return direct(BlockOp::read, buffer, at,
                      static_cast<std::size_t>(std::min<std::uint64_t>(buffer.left(), size - at)));
    auto n = TRY(device_->pages().read(buffer, at, size, &read_ahead_));
    at += n;
    return n;
}

Result<std::size_t> BlockFile::write(IoBuffer &buffer, std::uint64_t &at)
{
    auto const size = end_position().value();
    if (buffer.left() == 0)
        return std::size_t{0};
    if (at >= size)
        return Error::nospc;
    if (device_->read_only())
        return Error::perm;
    auto const bytes = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.left(), size - at));
    std::size_t n = 0;
    if ((flags & O_DIRECT) != 0) {
        n = TRY(direct(BlockOp::write, buffer, at, bytes));
    } else {
        n = TRY(device_->pages().write(buffer, at, size));
        at += n;
    }
    if ((flags & O_DSYNC) != 0)
        TRY(sync(true));
    return n;
}

Result<> BlockFile::sync(bool)
{
    (void)device_->pages().write_and_wait();
    auto flushed = device_->flush();
    TRY(device_->pages().errors.check(errors_seen_));
    return flushed;
}

Result<> BlockFile::sync_range(std::uint64_t start, std::uint64_t end, bool wait)
{
    auto const first = static_cast<std::uint32_t>(start >> page_shift),
               last = static_cast<std::uint32_t>(std::min<std::uint64_t>((end + page_size - 1) >> page_shift, ~0u));
    (void)device_->pages().write_out(first, last);
    if (!wait)
        return {};
    device_->pages().wait_written(first, last);
    return device_->pages().errors.check(errors_seen_);
}

void BlockFile::advise(std::uint64_t start, std::uint64_t bytes, unsigned advice)
{
    advise_pages(device_->pages(), read_ahead_, start, bytes, advice);
}

Result<> BlockFile::allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes)
{
    auto const size = end_position().value();
    auto const mask = device_->limits().logical_bytes - 1;
    if (start >= size || bytes > size - start || ((start | bytes) & mask) != 0)
        return Error::inval;
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == 0)
        return Error::opnotsupp;
    return zero_out(*device_, start, bytes);
}

Result<Ref<BlockDevice>> block_device_at(std::string_view path)
{
    auto found = TRY(resolve(at_fdcwd, path, lookup_follow));
    auto inode = found.inode();
    if (!inode || inode->type() != s_ifblk)
        return Error::notblk;
    auto device = find_block_device(inode->attributes.rdev_major, inode->attributes.rdev_minor);
    return device && !device->gone ? Result<Ref<BlockDevice>>{std::move(device)} : Result<Ref<BlockDevice>>{Error::nxio};
}
}  // namespace kernel
