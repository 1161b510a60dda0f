// SPDX-License-Identifier: MIT
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/process/process.hpp>
#include <linux/capability.h>

namespace kernel {
TimeSpec now()
{
    auto ns = realtime_ns();
    return {static_cast<std::int64_t>(ns / 1'000'000'000), static_cast<std::uint32_t>(ns % 1'000'000'000)};
}

Result<> want_write(Path const &p) { return p.mount() && p.mount()->read_only() ? Result<>{Error::rofs} : Result<>{}; }

bool is_owner(Inode const &inode)
{
    auto const &who = current().credentials;
    return who.fsuid == inode.attributes.uid || who.has_cap(CAP_FOWNER);
}

Result<> may_create(Path const &directory)
{
    if (directory.dentry()->deleted)
        return Error::noent;
    TRY(want_write(directory));
    return check_access(*directory.inode(), 3);
}

Result<> may_delete(Path const &directory, Dentry const &victim)
{
    TRY(want_write(directory));
    auto dir = directory.inode();
    TRY(check_access(*dir, 3));
    auto const &who = current().credentials;
    if ((dir->attributes.mode & s_isvtx) != 0 && who.fsuid != victim.inode->attributes.uid
        && who.fsuid != dir->attributes.uid && !who.has_cap(CAP_FOWNER))
        return Error::perm;
    return {};
}

Attributes new_attributes(Inode const &directory, std::uint32_t mode)
{
    auto const &who = current().credentials;
    Attributes a;
    auto &fs = current().fs;
    a.mode = mode & ~(fs && (mode & s_ifmt) != s_iflnk ? fs->umask : 0u);
    a.uid = who.fsuid;
    a.gid = who.fsgid;
    if ((directory.attributes.mode & s_isgid) != 0) {
        a.gid = directory.attributes.gid;
        if ((mode & s_ifmt) == s_ifdir)
            a.mode |= s_isgid;
        else if ((a.mode & (s_isgid | 010)) == (s_isgid | 010) && !who.in_group(a.gid) && !who.has_cap(CAP_FSETID))
            a.mode &= ~s_isgid;
    }
    a.atime = a.mtime = a.ctime = a.btime = now();
    return a;
}

// The frame of every creation: walk to the directory, lock it, look the name up, check, make, tell.
template <class Make>
static Result<Path> create_at(int dirfd, std::string_view path, bool directory, Make make)
{
    Walk walk;
    TRY(walk.start(dirfd, path));
    TRY(walk.to_last());
    if (walk.last_kind != Walk::Last::normal)
        return Error::exist;
    auto dir = walk.at.inode();
    MutexGuard guard{dir->mutex};
    auto dentry = TRY(Dentry::lookup_locked(*walk.at.dentry(), walk.last));
    if (dentry->inode)
        return Error::exist;
    if (walk.trailing_slash && !directory)
        return Error::noent;
    TRY(may_create(walk.at));
    dentry->created(TRY(make(*dir, walk.last)));
    notify_name(*dir, IN_CREATE, walk.last, *dentry->inode);
    return Path{walk.at.mount(), std::move(dentry)};
}

Result<Path> create_node(int dirfd, std::string_view path, std::uint32_t mode, unsigned major, unsigned minor)
{
    return create_at(dirfd, path, false, [&](Inode &dir, std::string_view name) -> Result<Ref<Inode>> {
        auto a = new_attributes(dir, mode);
        a.rdev_major = major;
        a.rdev_minor = minor;
        return dir.create(name, a);
    });
}

Result<Path> create_directory(int dirfd, std::string_view path, std::uint32_t mode)
{
    return create_at(dirfd, path, true, [&](Inode &dir, std::string_view name) {
        return dir.make_directory(name, new_attributes(dir, s_ifdir | (mode & (0777 | s_isvtx))));
    });
}

Result<Path> create_symlink(int dirfd, std::string_view path, std::string_view target)
{
    return create_at(dirfd, path, false, [&](Inode &dir, std::string_view name) {
        return dir.symlink(name, target, new_attributes(dir, s_iflnk | 0777));
    });
}

// proc_sys_fs(5), protected_hardlinks: nobody keeps another's file alive that he could not change anyway.
static Result<> may_link(Inode &inode)
{
    auto const mode = inode.attributes.mode;
    bool const sets_id = (mode & s_isuid) != 0 || (mode & (s_isgid | 010)) == (s_isgid | 010);
    bool const harmless = (mode & s_ifmt) == s_ifreg && !sets_id && check_access(inode, 6).ok();
    return harmless || is_owner(inode) ? Result<>{} : Result<>{Error::perm};
}

Result<> create_link(Path const &existing, int dirfd, std::string_view path)
{
    auto inode = existing.inode();
    auto linked = create_at(dirfd, path, false, [&](Inode &dir, std::string_view name) -> Result<Ref<Inode>> {
        if (&dir.super != &inode->super)
            return Error::xdev;
        TRY(may_link(*inode));
        if (inode->is_directory())
            return Error::perm;
        TRY(dir.link(name, *inode));
        return inode;
    });
    if (!linked.ok())
        return linked.error();
    notify(*inode, IN_ATTRIB);
    return {};
}

static Result<> remove_locked(Path const &directory, Dentry &victim, std::string_view name, bool as_directory)
{
    auto dir = directory.inode();
    auto inode = victim.inode;
    TRY(may_delete(directory, victim));
    if (as_directory != inode->is_directory())
        return as_directory ? Error::notdir : Error::isdir;
    if (victim.mounts != 0)
        return Error::busy;
    if (as_directory) {
        MutexGuard guard{inode->mutex};  // nothing is created in it any more
        TRY(dir->remove_directory(name, *inode));
        victim.unlinked();
    } else {
        TRY(dir->unlink(name, *inode));
        victim.unlinked();
    }
    notify_name(*dir, IN_DELETE, name, *inode);
    if (as_directory || inode->attributes.nlink == 0)
        notify_deleted(*inode);
    else
        notify(*inode, IN_ATTRIB);
    return {};
}

Result<> remove_name(int dirfd, std::string_view path)
{
    Walk walk;
    TRY(walk.start(dirfd, path));
    TRY(walk.to_last());
    if (walk.last_kind != Walk::Last::normal)
        return Error::isdir;
    auto dir = walk.at.inode();
    MutexGuard guard{dir->mutex};
    auto victim = TRY(Dentry::lookup_locked(*walk.at.dentry(), walk.last));
    if (!victim->inode)
        return Error::noent;
    if (walk.trailing_slash)
        return victim->inode->is_directory() ? Error::isdir : Error::notdir;
    return remove_locked(walk.at, *victim, walk.last, false);
}

Result<> remove_directory(int dirfd, std::string_view path)
{
    Walk walk;
    TRY(walk.start(dirfd, path));
    TRY(walk.to_last());
    switch (walk.last_kind) {
    case Walk::Last::dotdot: return Error::notempty;
    case Walk::Last::dot: return Error::inval;
    case Walk::Last::root: return Error::busy;
    case Walk::Last::normal: break;
    }
    auto dir = walk.at.inode();
    MutexGuard guard{dir->mutex};
    auto victim = TRY(Dentry::lookup_locked(*walk.at.dentry(), walk.last));
    if (!victim->inode)
        return Error::noent;
    return remove_locked(walk.at, *victim, walk.last, true);
}
}  // namespace kernel
