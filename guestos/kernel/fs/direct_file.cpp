// SPDX-License-Identifier: MIT
// O_DIRECT on regular files: reads, and writes to what is there already, go between the caller's memory and the disk; a write that
// makes the file longer or fills a hole goes through the pages and is waited for.
#include <algorithm>
#include <kernel/block/disk_pages.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/regular_file.hpp>
#include <linux/fcntl.h>
#include <optional>

namespace kernel {
namespace {
// While it lives, the file's blocks stay the file's.
class DirectUser {
public:
    explicit DirectUser(RegularInode &i) : inode_{i} { ++inode_.direct_users; }
    ~DirectUser()
    {
        if (--inode_.direct_users == 0)
            inode_.direct_done.wake_all();
    }
    DirectUser(DirectUser const &) = delete;
    DirectUser &operator=(DirectUser const &) = delete;

private:
    RegularInode &inode_;
};

struct Pages {
    std::uint32_t first, last;
    Pages(std::uint64_t start, std::size_t bytes)
        : first{static_cast<std::uint32_t>(start >> page_shift)}, last{static_cast<std::uint32_t>(
                                                                      (start + bytes + page_size - 1) >> page_shift)}
    {
    }
};

Result<> check_alignment(DiskPages &pages, std::uint64_t at, std::size_t bytes)
{
    auto const mask = pages.disk().limits().logical_bytes - 1;
    return ((at | bytes) & mask) == 0 ? Result<>{} : Result<>{Error::inval};
}

Result<bool> all_there(DiskPages &pages, std::uint64_t at, std::size_t bytes)
{
    while (bytes != 0) {
        auto place = TRY(pages.locate(at, static_cast<std::uint32_t>(bytes)));
        if (place.hole)
            return false;
        at += place.bytes;
        bytes -= place.bytes;
    }
    return true;
}
}  // namespace

Result<bool> RegularFile::direct_read(IoBuffer &buffer, std::uint64_t &at, std::size_t &moved)
{
    auto *pages = inode_->disk_pages();
    if (!pages || buffer.left() == 0)
        return false;
    TRY(check_alignment(*pages, at, buffer.left()));
    auto const size = inode_->attributes.size;
    if (at >= size)
        return true;
    // Whole sectors come from the disk; what of the last one lies behind the end stays here.
    auto const bytes = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.left(), size - at));
    if ((bytes & (sector_bytes - 1)) != 0)
        return false;
    DirectUser user{*inode_};
    Pages const range{at, bytes};
    TRY(pages->write_and_wait(range.first, range.last));
    moved = TRY(pages->direct(BlockOp::read, buffer, at, bytes));
    at += moved;
    return true;
}

Result<bool> RegularFile::direct_write(IoBuffer &buffer, std::uint64_t &at, std::size_t &moved)
{
    auto *pages = inode_->disk_pages();
    auto const bytes = buffer.left();
    if (!pages || bytes == 0 || (flags & O_APPEND) != 0)
        return false;
    TRY(check_alignment(*pages, at, bytes));
    std::optional<DirectUser> user;
    {
        MutexGuard guard{inode_->mutex};
        if (at + bytes > inode_->attributes.size || !TRY(all_there(*pages, at, bytes)))
            return false;
        (void)TRY(write_limit(flags, at, inode_->size_limit()));
        TRY(inode_->before_write());
        TRY(remove_set_ids(*inode_));
        auto changed = inode_->attributes;
        changed.mtime = changed.ctime = now();
        TRY(inode_->set_attributes(changed, set_mtime | set_ctime));
        user.emplace(*inode_);
    }
    Pages const range{at, bytes};
    TRY(pages->write_and_wait(range.first, range.last));
    pages->invalidate(range.first, range.last);
    auto written = pages->direct(BlockOp::write, buffer, at, bytes);
    pages->invalidate(range.first, range.last);  // read by somebody meanwhile
    moved = TRY(std::move(written));
    at += moved;
    return true;
}
}  // namespace kernel
