// SPDX-License-Identifier: MIT
// stat in its four widths (old, 32-bit, 64-bit, statx), readlink.
#include <asm/stat.h>
#include <kernel/fs/calls.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/stat.hpp>
#include <linux/fcntl.h>
#include <linux/stat.h>

namespace kernel {
static_assert(sizeof(__old_kernel_stat) == 32 && sizeof(struct stat) == 64 && sizeof(struct stat64) == 96
              && sizeof(struct statx) == 256);

Result<FileStatus> status_of(Path const &path)
{
    auto inode = path.inode();
    if (!inode)
        return Error::noent;
    TRY(inode->refresh());
    return FileStatus{inode->attributes, inode->super.device, path.mount() ? path.mount()->id : 0u,
                      path.mount() && path.dentry() == path.mount()->root};
}

Result<FileStatus> status_of(File &file)
{
    if (!file.path.empty())
        return status_of(file.path);
    return FileStatus{file.anonymous_attributes(), 0, 0, false};
}

Result<FileStatus> status_at(int dirfd, UserPtr<char const> user_path, unsigned at_flags)
{
    auto name = TRY(UserString::copy(user_path));
    if (name.view().empty() && (at_flags & AT_EMPTY_PATH) != 0 && dirfd != at_fdcwd)
        return status_of(*TRY(get_any_file(dirfd)));
    if (name.view().empty() && (at_flags & AT_EMPTY_PATH) != 0)
        return status_of(TRY(resolve(dirfd, "", lookup_empty)));
    Walk walk;
    TRY(walk.start(dirfd, name.view()));
    auto path = TRY(walk.finish((at_flags & AT_SYMLINK_NOFOLLOW) == 0, false));
    if (path.empty())  // through a magic link to an object without a name
        return status_of(*TRY(walk.nameless->magic_file()));
    return status_of(path);
}

std::uint32_t encode_device(std::uint32_t major, std::uint32_t minor)
{
    return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

namespace {
template <class To, class From>
bool fits(From value)
{
    return static_cast<From>(static_cast<To>(value)) == value;
}
std::uint16_t short_id(std::uint32_t id) { return id > 0xffff ? 65534 : static_cast<std::uint16_t>(id); }

// What the three struct stats have in common but for widths. Error::overflow: a number does not fit.
template <class Stat>
Result<> fill(Stat &s, FileStatus const &f)
{
    auto const &a = f.attributes;
    if (!fits<decltype(s.st_ino)>(a.ino) || !fits<decltype(s.st_size)>(a.size) || !fits<decltype(s.st_nlink)>(a.nlink))
        return Error::overflow;
    s.st_dev = static_cast<decltype(s.st_dev)>(encode_device(f.device >> 20, f.device & 0xfffff));
    s.st_ino = static_cast<decltype(s.st_ino)>(a.ino);
    s.st_mode = static_cast<decltype(s.st_mode)>(a.mode);
    s.st_nlink = static_cast<decltype(s.st_nlink)>(a.nlink);
    s.st_rdev = static_cast<decltype(s.st_rdev)>(encode_device(a.rdev_major, a.rdev_minor));
    s.st_size = static_cast<decltype(s.st_size)>(a.size);
    s.st_atime = static_cast<decltype(s.st_atime)>(a.atime.seconds);
    s.st_mtime = static_cast<decltype(s.st_mtime)>(a.mtime.seconds);
    s.st_ctime = static_cast<decltype(s.st_ctime)>(a.ctime.seconds);
    return {};
}

template <class Stat>
void fill_newer(Stat &s, FileStatus const &f)
{
    auto const &a = f.attributes;
    s.st_blksize = a.block_size;
    s.st_blocks = static_cast<decltype(s.st_blocks)>(a.blocks);
    s.st_atime_nsec = a.atime.nanoseconds;
    s.st_mtime_nsec = a.mtime.nanoseconds;
    s.st_ctime_nsec = a.ctime.nanoseconds;
}

Result<> put_old(Result<FileStatus> const &f, UserPtr<__old_kernel_stat> to)
{
    if (!f.ok())
        return f.error();
    __old_kernel_stat s{};
    TRY(fill(s, f.value()));
    s.st_uid = short_id(f.value().attributes.uid);
    s.st_gid = short_id(f.value().attributes.gid);
    return to.write(s);
}

Result<> put_stat(Result<FileStatus> const &f, UserPtr<struct stat> to)
{
    if (!f.ok())
        return f.error();
    struct stat s {};
    TRY(fill(s, f.value()));
    fill_newer(s, f.value());
    s.st_uid = short_id(f.value().attributes.uid);
    s.st_gid = short_id(f.value().attributes.gid);
    return to.write(s);
}

Result<> put_stat64(Result<FileStatus> const &f, UserPtr<struct stat64> to)
{
    if (!f.ok())
        return f.error();
    struct stat64 s {};
    TRY(fill(s, f.value()));
    fill_newer(s, f.value());
    s.__st_ino = static_cast<unsigned long>(s.st_ino);
    s.st_uid = f.value().attributes.uid;
    s.st_gid = f.value().attributes.gid;
    return to.write(s);
}

statx_timestamp timestamp(TimeSpec const &t)
{
    statx_timestamp s{};
    s.tv_sec = t.seconds;
    s.tv_nsec = t.nanoseconds;
    return s;
}

struct statx make_statx(FileStatus const &f, unsigned mask)
{
    auto const &a = f.attributes;
    struct statx s {};
    s.stx_mask = STATX_BASIC_STATS | ((mask & STATX_BTIME) != 0 && a.btime.seconds != 0 ? STATX_BTIME : 0u)
        | (mask & STATX_MNT_ID);
    s.stx_blksize = a.block_size;
    s.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    s.stx_attributes = f.mount_root ? STATX_ATTR_MOUNT_ROOT : 0;
    s.stx_nlink = a.nlink;
    s.stx_uid = a.uid;
    s.stx_gid = a.gid;
    s.stx_mode = static_cast<std::uint16_t>(a.mode);
    s.stx_ino = a.ino;
    s.stx_size = a.size;
    s.stx_blocks = a.blocks;
    s.stx_atime = timestamp(a.atime);
    s.stx_btime = timestamp(a.btime);
    s.stx_ctime = timestamp(a.ctime);
    s.stx_mtime = timestamp(a.mtime);
    s.stx_rdev_major = a.rdev_major;
    s.stx_rdev_minor = a.rdev_minor;
    s.stx_dev_major = f.device >> 20;
    s.stx_dev_minor = f.device & 0xfffff;
    s.stx_mnt_id = f.mount_id;
    return s;
}

Result<> sys_statx(int dirfd, UserPtr<char const> path, unsigned flags, unsigned mask, UserPtr<struct statx> to)
{
    constexpr unsigned known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
    if ((flags & ~known) != 0 || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || (mask & STATX__RESERVED) != 0)
        return Error::inval;
    return to.write(make_statx(TRY(status_at(dirfd, path, flags)), mask));
}

Result<FileStatus> status_of_fd(int fd) { return status_of(*TRY(get_any_file(fd))); }

Result<> sys_oldstat(UserPtr<char const> path, UserPtr<__old_kernel_stat> to)
{
    return put_old(status_at(at_fdcwd, path, 0), to);
}
Result<> sys_oldlstat(UserPtr<char const> path, UserPtr<__old_kernel_stat> to)
{
    return put_old(status_at(at_fdcwd, path, AT_SYMLINK_NOFOLLOW), to);
}
Result<> sys_oldfstat(int fd, UserPtr<__old_kernel_stat> to) { return put_old(status_of_fd(fd), to); }
Result<> sys_stat(UserPtr<char const> path, UserPtr<struct stat> to)
{
    return put_stat(status_at(at_fdcwd, path, 0), to);
}
Result<> sys_lstat(UserPtr<char const> path, UserPtr<struct stat> to)
{
    return put_stat(status_at(at_fdcwd, path, AT_SYMLINK_NOFOLLOW), to);
}
Result<> sys_fstat(int fd, UserPtr<struct stat> to) { return put_stat(status_of_fd(fd), to); }
Result<> sys_stat64(UserPtr<char const> path, UserPtr<struct stat64> to)
{
    return put_stat64(status_at(at_fdcwd, path, 0), to);
}
Result<> sys_lstat64(UserPtr<char const> path, UserPtr<struct stat64> to)
{
    return put_stat64(status_at(at_fdcwd, path, AT_SYMLINK_NOFOLLOW), to);
}
Result<> sys_fstat64(int fd, UserPtr<struct stat64> to) { return put_stat64(status_of_fd(fd), to); }
Result<> sys_fstatat64(int dirfd, UserPtr<char const> path, UserPtr<struct stat64> to, unsigned flags)
{
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)) != 0)
        return Error::inval;
    return put_stat64(status_at(dirfd, path, flags), to);
}

Result<std::size_t> sys_readlinkat(int dirfd, UserPtr<char const> user_path, UserPtr<char> to, std::int32_t size)
{
    if (size <= 0)
        return Error::inval;
    auto name = TRY(UserString::copy(user_path));
    auto path = TRY(resolve(dirfd, name.view(), lookup_empty));
    auto inode = path.inode();
    if (!inode || inode->type() != s_iflnk)
        return name.view().empty() ? Error::noent : Error::inval;
    std::unique_ptr<char[]> text{new (std::nothrow) char[path_max]};
    if (!text)
        return Error::nomem;
    auto n = TRY(inode->read_link(text.get(), path_max));
    if (n > static_cast<std::size_t>(size))
        n = static_cast<std::size_t>(size);
    TRY(copy_out(to.address(), text.get(), n));
    return n;
}

Result<std::size_t> sys_readlink(UserPtr<char const> path, UserPtr<char> to, std::int32_t size)
{
    return sys_readlinkat(at_fdcwd, path, to, size);
}
}  // namespace

SYSCALL(oldstat, 18, sys_oldstat);
SYSCALL(oldfstat, 28, sys_oldfstat);
SYSCALL(oldlstat, 84, sys_oldlstat);
SYSCALL(readlink, 85, sys_readlink);
SYSCALL(stat, 106, sys_stat);
SYSCALL(lstat, 107, sys_lstat);
SYSCALL(fstat, 108, sys_fstat);
SYSCALL(stat64, 195, sys_stat64);
SYSCALL(lstat64, 196, sys_lstat64);
SYSCALL(fstat64, 197, sys_fstat64);
SYSCALL(fstatat64, 300, sys_fstatat64);
SYSCALL(readlinkat, 305, sys_readlinkat);
SYSCALL(statx, 383, sys_statx);
}  // namespace kernel
