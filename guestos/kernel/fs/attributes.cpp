// SPDX-License-Identifier: MIT
// chmod, chown, utime and truncate in all their forms; access, umask.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/open.hpp>
#include <kernel/fs/regular_file.hpp>
#include <linux/capability.h>
#include <linux/fcntl.h>

namespace kernel {
namespace {
// The object of an *at call: by path, or the descriptor itself with AT_EMPTY_PATH.
Result<Path> object_at(int dirfd, UserPtr<char const> user_path, unsigned flags, unsigned known)
{
    if ((flags & ~known) != 0)
        return Error::inval;
    auto name = TRY(UserString::copy(user_path));
    unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0u : unsigned{lookup_follow};
    return resolve(dirfd, name.view(), lookup | ((flags & AT_EMPTY_PATH) != 0 ? unsigned{lookup_empty} : 0u));
}

Result<Path> object_of(int fd)
{
    auto file = TRY(get_file(fd));
    return file->path;
}

Result<> apply(Path const &path, Attributes changed, unsigned which)
{
    changed.ctime = now();
    auto inode = path.inode();
    TRY(inode->set_attributes(changed, which | set_ctime));
    notify_path(path, IN_ATTRIB);
    return {};
}

Result<> change_mode(Path const &path, std::uint32_t mode)
{
    auto inode = path.inode();
    if (!inode)
        return Error::inval;  // a pipe, a socket
    TRY(want_write(path));
    if (inode->type() == s_iflnk)
        return Error::opnotsupp;
    if (!is_owner(*inode))
        return Error::perm;
    auto changed = inode->attributes;
    changed.mode = mode & 07777;
    auto const &who = current().credentials;
    if (!who.in_group(changed.gid) && !who.has_cap(CAP_FSETID))
        changed.mode &= ~s_isgid;
    return apply(path, changed, set_mode);
}

Result<> sys_fchmodat2(int dirfd, UserPtr<char const> path, std::uint32_t mode, unsigned flags)
{
    return change_mode(TRY(object_at(dirfd, path, flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)), mode);
}
Result<> sys_fchmodat(int dirfd, UserPtr<char const> path, std::uint32_t mode)
{
    return sys_fchmodat2(dirfd, path, mode, 0);
}
Result<> sys_chmod(UserPtr<char const> path, std::uint32_t mode) { return sys_fchmodat2(at_fdcwd, path, mode, 0); }
Result<> sys_fchmod(int fd, std::uint32_t mode) { return change_mode(TRY(object_of(fd)), mode); }

constexpr std::uint32_t keep = ~0u;

Result<> change_owner(Path const &path, std::uint32_t uid, std::uint32_t gid)
{
    auto inode = path.inode();
    if (!inode)
        return Error::inval;
    TRY(want_write(path));
    auto const &who = current().credentials;
    auto changed = inode->attributes;
    bool const owner = who.fsuid == changed.uid, may = who.has_cap(CAP_CHOWN);
    if (uid != keep && !may && !(owner && uid == changed.uid))
        return Error::perm;
    if (gid != keep && !may && !(owner && (who.in_group(gid) || gid == changed.gid)))
        return Error::perm;
    unsigned which = 0;
    // A new owner does not inherit the right to run as somebody else; S_ISGID without group execution is no such right.
    if (!inode->is_directory()) {
        bool const group_runs = (changed.mode & 010) != 0;
        changed.mode &= ~s_isuid;
        if (group_runs || (!who.in_group(changed.gid) && !who.has_cap(CAP_FSETID)))
            changed.mode &= ~s_isgid;
        which |= changed.mode != inode->attributes.mode ? unsigned{set_mode} : 0u;
    }
    if (uid != keep)
        changed.uid = uid, which |= set_uid;
    if (gid != keep)
        changed.gid = gid, which |= set_gid;
    return apply(path, changed, which);
}

Result<> sys_fchownat(int dirfd, UserPtr<char const> path, std::uint32_t uid, std::uint32_t gid, unsigned flags)
{
    return change_owner(TRY(object_at(dirfd, path, flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)), uid, gid);
}
Result<> sys_chown32(UserPtr<char const> path, std::uint32_t uid, std::uint32_t gid)
{
    return sys_fchownat(at_fdcwd, path, uid, gid, 0);
}
Result<> sys_lchown32(UserPtr<char const> path, std::uint32_t uid, std::uint32_t gid)
{
    return sys_fchownat(at_fdcwd, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
Result<> sys_fchown32(int fd, std::uint32_t uid, std::uint32_t gid)
{
    return change_owner(TRY(object_of(fd)), uid, gid);
}
// The 16-bit calls: 0xffff is their "keep".
std::uint32_t widen(std::uint32_t id) { return (id & 0xffff) == 0xffff ? keep : id & 0xffff; }
Result<> sys_chown(UserPtr<char const> path, std::uint32_t uid, std::uint32_t gid)
{
    return sys_chown32(path, widen(uid), widen(gid));
}
Result<> sys_lchown(UserPtr<char const> path, std::uint32_t uid, std::uint32_t gid)
{
    return sys_lchown32(path, widen(uid), widen(gid));
}
Result<> sys_fchown(int fd, std::uint32_t uid, std::uint32_t gid) { return sys_fchown32(fd, widen(uid), widen(gid)); }

Result<> truncate_object(Path const &path, std::int64_t size)
{
    auto inode = path.inode();
    if (inode->is_directory())
        return Error::isdir;
    if (inode->type() != s_ifreg)
        return Error::inval;
    TRY(want_write(path));
    TRY(check_access(*inode, 2));
    auto file = TRY(open_object(path, O_WRONLY | O_LARGEFILE, true));
    TRY(file->truncate(static_cast<std::uint64_t>(size)));
    notify_path(path, IN_MODIFY);
    return {};
}

Result<> truncate_by_path(UserPtr<char const> user_path, std::int64_t size)
{
    if (size < 0)
        return Error::inval;
    return truncate_object(TRY(object_at(at_fdcwd, user_path, 0, 0)), size);
}
Result<> truncate_by_fd(int fd, std::int64_t size, bool small)
{
    if (size < 0)
        return Error::inval;
    auto file = TRY(get_file(fd));
    auto inode = file->inode();
    if (!inode || inode->type() != s_ifreg || !file->writable())
        return Error::inval;
    if (small && size > 0x7fff'ffff && (file->flags & O_LARGEFILE) == 0)
        return Error::inval;
    TRY(file->truncate(static_cast<std::uint64_t>(size)));
    notify_path(file->path, IN_MODIFY);
    return {};
}
Result<> sys_truncate(UserPtr<char const> path, std::int32_t size) { return truncate_by_path(path, size); }
Result<> sys_truncate64(UserPtr<char const> path, std::uint32_t low, std::uint32_t high)
{
    return truncate_by_path(path, static_cast<std::int64_t>(join(low, high)));
}
Result<> sys_ftruncate(int fd, std::int32_t size) { return truncate_by_fd(fd, size, true); }
Result<> sys_ftruncate64(int fd, std::uint32_t low, std::uint32_t high)
{
    return truncate_by_fd(fd, static_cast<std::int64_t>(join(low, high)), false);
}

// access(2) asks for the real user, with the capabilities that user would have, on the way to the file too.
class AsRealUser {
public:
    explicit AsRealUser(bool wanted)
        : who_{current().credentials}, uid_{who_.fsuid}, gid_{who_.fsgid}, caps_{who_.cap_effective}
    {
        if (!wanted)
            return;
        who_.fsuid = who_.uid;
        who_.fsgid = who_.gid;
        who_.cap_effective = who_.uid == 0 ? who_.cap_permitted : 0;
    }
    ~AsRealUser()
    {
        who_.fsuid = uid_;
        who_.fsgid = gid_;
        who_.cap_effective = caps_;
    }
    AsRealUser(AsRealUser const &) = delete;
    AsRealUser &operator=(AsRealUser const &) = delete;

private:
    Credentials &who_;
    std::uint32_t const uid_, gid_;
    std::uint64_t const caps_;
};

Result<> sys_faccessat2(int dirfd, UserPtr<char const> user_path, unsigned mode, unsigned flags)
{
    if (mode > 7)
        return Error::inval;
    AsRealUser as{(flags & AT_EACCESS) == 0};
    auto path = TRY(object_at(dirfd, user_path, flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
    if (mode == 0)
        return {};
    auto inode = path.inode();
    auto const type = inode->type();
    if ((mode & 2) != 0 && (type == s_ifreg || type == s_ifdir || type == s_iflnk))
        TRY(want_write(path));
    return check_access(*inode, mode);
}
Result<> sys_faccessat(int dirfd, UserPtr<char const> path, unsigned mode)
{
    return sys_faccessat2(dirfd, path, mode, 0);
}
Result<> sys_access(UserPtr<char const> path, unsigned mode) { return sys_faccessat2(at_fdcwd, path, mode, 0); }

Result<std::int32_t> sys_umask(std::uint32_t mask)
{
    return static_cast<std::int32_t>(std::exchange(current().fs->umask, mask & 0777));
}
}  // namespace

SYSCALL(chmod, 15, sys_chmod);
SYSCALL(lchown, 16, sys_lchown);
SYSCALL(access, 33, sys_access);
SYSCALL(umask, 60, sys_umask);
SYSCALL(truncate, 92, sys_truncate);
SYSCALL(ftruncate, 93, sys_ftruncate);
SYSCALL(fchmod, 94, sys_fchmod);
SYSCALL(fchown, 95, sys_fchown);
SYSCALL(chown, 182, sys_chown);
SYSCALL(truncate64, 193, sys_truncate64);
SYSCALL(ftruncate64, 194, sys_ftruncate64);
SYSCALL(lchown32, 198, sys_lchown32);
SYSCALL(fchown32, 207, sys_fchown32);
SYSCALL(chown32, 212, sys_chown32);
SYSCALL(fchownat, 298, sys_fchownat);
SYSCALL(fchmodat, 306, sys_fchmodat);
SYSCALL(faccessat, 307, sys_faccessat);
SYSCALL(faccessat2, 439, sys_faccessat2);
SYSCALL(fchmodat2, 452, sys_fchmodat2);
}  // namespace kernel
