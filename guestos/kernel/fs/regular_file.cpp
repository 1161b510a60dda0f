// SPDX-License-Identifier: MIT
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/regular_file.hpp>
#include <kernel/process/process.hpp>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/mount.h>

namespace kernel {
namespace {
constexpr unsigned rlimit_fsize = 1;
constexpr int sigxfsz = 25;
constexpr std::uint64_t small_file_max = 0x7fff'ffff;  // open(2) without O_LARGEFILE
}  // namespace

Result<std::uint64_t> write_limit(unsigned open_flags, std::uint64_t position, std::uint64_t size_limit)
{
    auto limit = size_limit;
    if ((open_flags & O_LARGEFILE) == 0 && limit > small_file_max)
        limit = small_file_max;
    if (auto &process = current().process; process) {
        auto fsize = process->limits[rlimit_fsize].soft;
        if (position >= fsize) {
            (void)send_signal(current(), SignalInfo::kernel(sigxfsz));
            return Error::fbig;
        }
        if (fsize < limit)
            limit = fsize;
    }
    return position >= limit ? Result<std::uint64_t>{Error::fbig} : Result<std::uint64_t>{limit};
}

Result<> remove_set_ids(Inode &inode)
{
    auto const mode = inode.attributes.mode;
    if ((mode & s_ifmt) != s_ifreg || current().credentials.has_cap(CAP_FSETID))
        return {};
    auto changed = inode.attributes;
    changed.mode &= ~s_isuid;
    if ((mode & 010) != 0)
        changed.mode &= ~s_isgid;
    return changed.mode == mode ? Result<>{} : inode.set_attributes(changed, set_mode);
}

void touch_accessed(Path const &path, Inode &inode)
{
    unsigned const flags = path.mount() ? path.mount()->flags : 0u;
    if ((flags & MS_NOATIME) != 0 || (inode.is_directory() && (flags & MS_NODIRATIME) != 0))
        return;
    if (path.mount() && path.mount()->read_only())
        return;
    auto const t = now();
    auto &a = inode.attributes;
    auto not_after = [](TimeSpec const &x, TimeSpec const &y) {
        return x.seconds < y.seconds || (x.seconds == y.seconds && x.nanoseconds <= y.nanoseconds);
    };
    constexpr std::int64_t day = 24 * 60 * 60;
    if ((flags & MS_STRICTATIME) == 0 && !not_after(a.atime, a.mtime) && !not_after(a.atime, a.ctime)
        && t.seconds - a.atime.seconds < day)
        return;
    auto changed = a;
    changed.atime = t;
    (void)inode.set_attributes(changed, set_atime);
}

Result<Ref<File>> RegularInode::open(unsigned flags) { return make_ref<RegularFile>(Ref<RegularInode>{this}, flags); }

Result<Ref<MemoryObject>> RegularInode::memory_object() { return Ref<MemoryObject>{&pages()}; }

Result<> RegularInode::set_attributes(Attributes const &a, unsigned which)
{
    if ((which & kernel::set_size) != 0) {
        if (a.size > size_limit())
            return Error::fbig;
        if (a.size > attributes.size)
            TRY(grow(a.size));
        set_size(a.size);
    }
    return Inode::set_attributes(a, which & ~unsigned{kernel::set_size});
}

Result<std::size_t> RegularFile::read(IoBuffer &buffer, std::uint64_t &at)
{
    std::size_t n = 0;
    if ((flags & O_DIRECT) == 0 || !TRY(direct_read(buffer, at, n))) {
        n = TRY(inode_->pages().read(buffer, at, inode_->attributes.size, &read_ahead_));
        at += n;
    }
    if ((flags & O_NOATIME) == 0)
        touch_accessed(path, *inode_);
    return n;
}

Result<std::size_t> RegularFile::write(IoBuffer &buffer, std::uint64_t &at)
{
    std::size_t n = 0;
    if ((flags & O_DIRECT) != 0 && TRY(direct_write(buffer, at, n))) {
    } else {
        auto const start = at;
        n = TRY(write_locked(buffer, at));
        if ((flags & O_DIRECT) != 0 && inode_->disk_pages() && n != 0)
            TRY(sync_range((flags & O_APPEND) != 0 ? at - n : start, at, true));
    }
    bool const synchronous = path.mount() && (path.mount()->flags & MS_SYNCHRONOUS) != 0;
    if (n != 0 && ((flags & O_DSYNC) != 0 || synchronous))
        TRY(sync((flags & O_SYNC) != O_SYNC && !synchronous));
    return n;
}

Result<std::size_t> RegularFile::write_locked(IoBuffer &buffer, std::uint64_t &at)
{
    MutexGuard guard{inode_->mutex};
    if ((flags & O_APPEND) != 0)
        at = inode_->attributes.size;
    if (buffer.left() == 0)
        return std::size_t{0};
    auto limit = TRY(write_limit(flags, at, inode_->size_limit()));
    TRY(inode_->before_write());
    TRY(remove_set_ids(*inode_));
    auto end = at + buffer.left();
    TRY(inode_->grow(end < limit ? end : limit));
    auto written = inode_->pages().write(buffer, at, limit);
    auto n = written.value_or(0);
    at += n;
    if (n != 0 && at > inode_->attributes.size)
        inode_->set_size(at);
    inode_->write_ended();
    if (!written.ok())
        return written;
    auto changed = inode_->attributes;
    changed.mtime = changed.ctime = now();
    TRY(inode_->set_attributes(changed, set_mtime | set_ctime));
    return n;
}

Result<std::uint64_t> RegularFile::end_position() { return inode_->attributes.size; }

Result<std::uint64_t> RegularFile::seek_data(std::uint64_t from, bool hole)
{
    auto const size = inode_->attributes.size;
    if (from >= size)
        return Error::nxio;
    auto found = inode_->next_boundary(from, hole);
    if (found >= size)
        return hole ? Result<std::uint64_t>{size} : Result<std::uint64_t>{Error::nxio};
    return found;
}

Result<std::int32_t> RegularFile::ioctl(unsigned, std::uint32_t) { return Error::notty; }

Result<> RegularFile::truncate(std::uint64_t size)
{
    MutexGuard guard{inode_->mutex};
    if (size > inode_->attributes.size)
        (void)TRY(write_limit(flags, size - 1, inode_->size_limit()));
    TRY(remove_set_ids(*inode_));
    auto changed = inode_->attributes;
    changed.size = size;
    changed.mtime = changed.ctime = now();
    return inode_->set_attributes(changed, set_size | set_mtime | set_ctime);
}

Result<> RegularFile::allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes)
{
    MutexGuard guard{inode_->mutex};
    auto const end = start + bytes;
    if (end > inode_->size_limit())
        return Error::fbig;
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && end > inode_->attributes.size)
        (void)TRY(write_limit(flags | O_LARGEFILE, end - 1, inode_->size_limit()));
    TRY(remove_set_ids(*inode_));
    TRY(inode_->allocate(mode, start, bytes));
    auto changed = inode_->attributes;
    changed.mtime = changed.ctime = now();
    return inode_->set_attributes(changed, set_mtime | set_ctime);
}

Result<> RegularFile::sync(bool data_only)
{
    auto synced = inode_->sync_data(data_only);
    auto earlier = inode_->pages().errors.check(errors_seen_);
    return synced.ok() ? earlier : synced;
}

Result<> RegularFile::sync_range(std::uint64_t start, std::uint64_t end, bool wait)
{
    auto &pages = inode_->pages();
    if (!pages.tracks_dirty())
        return {};
    auto const last_page = (end >> page_shift) + ((end & ~page_mask) != 0);
    auto const first = static_cast<std::uint32_t>(start >> page_shift),
               last = last_page > ~0u ? ~0u : static_cast<std::uint32_t>(last_page);
    if (wait)
        pages.wait_written(first, last);
    (void)pages.write_out(first, last);
    if (!wait)
        return {};
    pages.wait_written(first, last);
    return pages.errors.check(errors_seen_);
}

void RegularFile::advise(std::uint64_t start, std::uint64_t bytes, unsigned advice)
{
    if (inode_->disk_pages())
        advise_pages(inode_->pages(), read_ahead_, start, bytes, advice);
}

void RegularInode::wait_direct()
{
    (void)wait_until(
        direct_done, [this] { return direct_users == 0; }, Sleep::uninterruptible);
}
}  // namespace kernel
