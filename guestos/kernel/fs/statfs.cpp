// SPDX-License-Identifier: MIT
// statfs, ustat; sync and its relatives; hints about access patterns; fallocate.
#include <asm/statfs.h>
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/stat.hpp>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>

namespace kernel {
namespace {
static_assert(sizeof(struct statfs) == 64 && sizeof(struct statfs64) == 84);

Result<Path> path_of(UserPtr<char const> user_path)
{
    auto name = TRY(UserString::copy(user_path));
    return resolve(at_fdcwd, name.view(), lookup_follow);
}

// f_flags: ST_* has the values of MS_* for the ones that matter, and says that it is valid.
std::uint32_t mount_flags(Mount const &m)
{
    constexpr std::uint32_t st_valid = 0x20, st_noatime = 0x400, st_nodiratime = 0x800, st_relatime = 0x1000;
    auto flags = st_valid | (m.flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS));
    flags |= m.read_only() ? unsigned{MS_RDONLY} : 0u;
    flags |= (m.flags & MS_NOATIME) != 0 ? st_noatime : (m.flags & MS_STRICTATIME) != 0 ? 0u : st_relatime;
    return flags | ((m.flags & MS_NODIRATIME) != 0 ? st_nodiratime : 0u);
}

template <class Statfs>
Result<> put(Path const &path, UserPtr<Statfs> to)
{
    Statfs s{};
    SuperBlock::Statistics n{0x50495045, page_size, 0, 0, 0, 0, 0, 255};  // pipes and sockets: PIPEFS_MAGIC
    if (path.mount()) {
        n = path.mount()->super->statistics();
        s.f_flags = mount_flags(*path.mount());
        s.f_fsid.val[0] = static_cast<int>(
            encode_device(path.mount()->super->device >> 20, path.mount()->super->device & 0xfffff));
    }
    s.f_type = n.magic;
    s.f_bsize = s.f_frsize = n.block_size;
    s.f_blocks = static_cast<decltype(s.f_blocks)>(n.blocks);
    s.f_bfree = static_cast<decltype(s.f_bfree)>(n.free);
    s.f_bavail = static_cast<decltype(s.f_bavail)>(n.available);
    s.f_files = static_cast<decltype(s.f_files)>(n.files);
    s.f_ffree = static_cast<decltype(s.f_ffree)>(n.free_files);
    s.f_namelen = n.name_max;
    if (s.f_blocks != n.blocks || s.f_files != n.files)
        return Error::overflow;
    return to.write(s);
}

Result<> sys_statfs(UserPtr<char const> path, UserPtr<struct statfs> to) { return put(TRY(path_of(path)), to); }
Result<> sys_fstatfs(int fd, UserPtr<struct statfs> to) { return put(TRY(get_any_file(fd))->path, to); }
// The caller says how large it thinks the structure is: 84, or 88 from a compiler that aligns it.
bool good_size(std::uint32_t size) { return size == sizeof(struct statfs64) || size == sizeof(struct statfs64) + 4; }
Result<> sys_statfs64(UserPtr<char const> path, std::uint32_t size, UserPtr<struct statfs64> to)
{
    return good_size(size) ? put(TRY(path_of(path)), to) : Result<>{Error::inval};
}
Result<> sys_fstatfs64(int fd, std::uint32_t size, UserPtr<struct statfs64> to)
{
    return good_size(size) ? put(TRY(get_any_file(fd))->path, to) : Result<>{Error::inval};
}

struct Ustat {  // struct ustat of i386
    std::int32_t free_blocks;
    std::uint32_t free_inodes;
    char name[6], pack[6];
};
static_assert(sizeof(Ustat) == 20);

Result<> sys_ustat(std::uint32_t device, UserPtr<Ustat> to)
{
    struct Search {
        std::uint32_t device;
        Ref<SuperBlock> found;
    } search{device, nullptr};
    for_each_mount(
        [](void *context, Mount &m) {
            auto &s = *static_cast<Search *>(context);
            if (encode_device(m.super->device >> 20, m.super->device & 0xfffff) == s.device)
                s.found = m.super;
            return !s.found;
        },
        &search);
    if (!search.found)
        return Error::inval;
    auto n = search.found->statistics();
    Ustat u{};
    u.free_blocks = static_cast<std::int32_t>(n.free);
    u.free_inodes = static_cast<std::uint32_t>(n.free_files);
    return to.write(u);
}

Result<> sys_sync()
{
    sync_all();
    return {};
}
Result<> sys_syncfs(int fd)
{
    auto file = TRY(get_file(fd));
    return file->path.mount() ? file->path.mount()->super->sync() : Result<>{};
}
Result<> sys_fsync(int fd) { return TRY(get_file(fd))->sync(false); }
Result<> sys_fdatasync(int fd) { return TRY(get_file(fd))->sync(true); }

Result<> sys_sync_file_range(int fd, std::uint32_t start_low, std::uint32_t start_high, std::uint32_t bytes_low,
                             std::uint32_t bytes_high, unsigned flags)
{
    auto file = TRY(get_file(fd));
    auto start = static_cast<std::int64_t>(join(start_low, start_high)),
         bytes = static_cast<std::int64_t>(join(bytes_low, bytes_high));
    constexpr unsigned known = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    std::int64_t end = 0;
    if ((flags & ~known) != 0 || start < 0 || bytes < 0 || __builtin_add_overflow(start, bytes, &end))
        return Error::inval;
    auto inode = file->inode();
    if (!inode || (inode->type() != s_ifreg && inode->type() != s_ifblk && !inode->is_directory()))
        return Error::spipe;
    if (flags == 0)
        return {};
    bool const wait = (flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER)) != 0;
    return file->sync_range(static_cast<std::uint64_t>(start), bytes == 0 ? ~0ull : static_cast<std::uint64_t>(end),
                            wait);
}

Result<> advise(int fd, std::uint64_t start, std::int64_t bytes, unsigned advice)
{
    constexpr unsigned last_advice = 5;  // POSIX_FADV_NOREUSE
    auto file = TRY(get_file(fd));
    if (file->path.empty())
        return Error::spipe;
    if (bytes < 0 || advice > last_advice)
        return Error::inval;
    file->advise(start, static_cast<std::uint64_t>(bytes), advice);
    return {};
}
Result<> sys_fadvise64(int fd, std::uint32_t low, std::uint32_t high, std::int32_t bytes, unsigned advice)
{
    return advise(fd, join(low, high), bytes, advice);
}
Result<> sys_fadvise64_64(int fd, std::uint32_t start_low, std::uint32_t start_high, std::uint32_t low,
                          std::uint32_t high, unsigned advice)
{
    return advise(fd, join(start_low, start_high), static_cast<std::int64_t>(join(low, high)), advice);
}
Result<> sys_readahead(int fd, std::uint32_t low, std::uint32_t high, std::uint32_t bytes)
{
    constexpr unsigned will_need = 3;  // POSIX_FADV_WILLNEED
    auto file = TRY(get_file(fd));
    if (!file->readable())
        return Error::badf;
    auto inode = file->inode();
    if (!inode || (inode->type() != s_ifreg && inode->type() != s_ifblk))
        return Error::inval;
    if (bytes != 0)
        file->advise(join(low, high), bytes, will_need);
    return {};
}

Result<> check_mode(unsigned mode)
{
    constexpr unsigned known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
    if ((mode & ~known) != 0)
        return Error::opnotsupp;  // collapse, insert, unshare
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0 && mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        return Error::opnotsupp;
    return {};
}

Result<> sys_fallocate(int fd, unsigned mode, std::uint32_t start_low, std::uint32_t start_high,
                       std::uint32_t bytes_low, std::uint32_t bytes_high)
{
    auto file = TRY(get_file(fd));
    auto start = static_cast<std::int64_t>(join(start_low, start_high)),
         bytes = static_cast<std::int64_t>(join(bytes_low, bytes_high));
    if (start < 0 || bytes <= 0)
        return Error::inval;
    TRY(check_mode(mode));
    if (!file->writable())
        return Error::badf;
    auto inode = file->inode();
    if (!inode || inode->type() == s_ififo)
        return Error::spipe;
    if (inode->is_directory())
        return Error::isdir;
    if (inode->type() != s_ifreg && inode->type() != s_ifblk)
        return Error::nodev;
    std::int64_t end = 0;
    if (__builtin_add_overflow(start, bytes, &end))
        return Error::fbig;
    TRY(file->allocate(mode, static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(bytes)));
    notify_path(file->path, IN_MODIFY);
    return {};
}
}  // namespace

SYSCALL(sync, 36, sys_sync);
SYSCALL(ustat, 62, sys_ustat);
SYSCALL(statfs, 99, sys_statfs);
SYSCALL(fstatfs, 100, sys_fstatfs);
SYSCALL(fsync, 118, sys_fsync);
SYSCALL(fdatasync, 148, sys_fdatasync);
SYSCALL(readahead, 225, sys_readahead);
SYSCALL(fadvise64, 250, sys_fadvise64);
SYSCALL(statfs64, 268, sys_statfs64);
SYSCALL(fstatfs64, 269, sys_fstatfs64);
SYSCALL(fadvise64_64, 272, sys_fadvise64_64);
SYSCALL(sync_file_range, 314, sys_sync_file_range);
SYSCALL(fallocate, 324, sys_fallocate);
SYSCALL(syncfs, 344, sys_syncfs);
}  // namespace kernel
