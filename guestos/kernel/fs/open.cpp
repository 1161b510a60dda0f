// SPDX-License-Identifier: MIT
// open(2): the walk with creation, what the flags demand of the object, and the file for its kind.
#include <kernel/fs/device.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/open.hpp>
#include <kernel/fs/regular_file.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <linux/fcntl.h>
#include <linux/mount.h>

namespace kernel {
namespace {
constexpr std::uint64_t small_file_max = 0x7fff'ffff;

// O_PATH: a place in the tree and nothing else.
class PathFile : public File {
public:
    using File::File;
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override { return Error::badf; }
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override { return Error::badf; }
    Result<Ref<MemoryObject>> memory_object() override { return Error::badf; }
};

// MAY_* bits that the access mode and O_TRUNC need. Access mode 3 means "for ioctl only" and wants both.
unsigned wanted_access(unsigned flags)
{
    constexpr unsigned by_mode[] = {4, 2, 6, 6};
    return by_mode[flags & O_ACCMODE] | ((flags & O_TRUNC) != 0 ? 2u : 0u);
}

Result<Path> create_locked(Walk &walk, Dentry &dentry, unsigned mode)
{
    auto dir = walk.at.inode();
    TRY(may_create(walk.at));
    dentry.created(TRY(dir->create(walk.last, new_attributes(*dir, s_ifreg | (mode & 07777)))));
    notify_name(*dir, IN_CREATE, walk.last, *dentry.inode);
    return Path{walk.at.mount(), Ref<Dentry>{&dentry}};
}

// The last component: what is there, or what O_CREAT makes.
Result<Path> last_or_created(Walk &walk, unsigned flags, unsigned mode, bool &created)
{
    if ((flags & O_CREAT) == 0 || walk.last_kind != Walk::Last::normal)
        return walk.child();
    if (walk.trailing_slash)
        return Error::isdir;
    auto dir = walk.at.inode();
    MutexGuard guard{dir->mutex};
    auto dentry = TRY(Dentry::lookup_locked(*walk.at.dentry(), walk.last));
    if (dentry->inode)
        return topmost(Path{walk.at.mount(), std::move(dentry)});
    created = true;
    return create_locked(walk, *dentry, mode);
}

Result<Path> find_or_create(Walk &walk, unsigned flags, unsigned mode, bool &created)
{
    for (;;) {
        TRY(walk.to_last());
        auto found = TRY(last_or_created(walk, flags, mode, created));
        auto inode = found.inode();
        if (!inode)
            return Error::noent;
        if (created)
            return found;
        if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
            return Error::exist;
        if (inode->type() == s_iflnk && ((flags & O_NOFOLLOW) == 0 || walk.trailing_slash)) {
            bool jumped = false;
            TRY(walk.follow(found, jumped));
            if (!jumped)
                continue;
            found = walk.at;
            inode = found.inode();
        }
        if (walk.trailing_slash && (!inode || !inode->is_directory()))
            return Error::notdir;
        return found;
    }
}

// What open(2) demands of an existing object; created: it is ours, permissions do not matter.
Result<> may_open(Path const &path, unsigned flags, bool created)
{
    auto inode = path.inode();
    auto const type = inode->type();
    unsigned const want = created ? 0 : wanted_access(flags);
    if (type == s_iflnk)
        return Error::loop;
    if (type == s_ifdir && (want & 2) != 0)
        return Error::isdir;
    if ((type == s_ifchr || type == s_ifblk) && (path.mount()->flags & MS_NODEV) != 0)
        return Error::acces;
    if ((want & 2) != 0 && (type == s_ifreg || type == s_ifdir))
        TRY(want_write(path));
    if (want != 0)
        TRY(check_access(*inode, want));
    if ((flags & O_NOATIME) != 0 && !is_owner(*inode))
        return Error::perm;
    if (type == s_ifreg && (flags & O_LARGEFILE) == 0 && inode->attributes.size > small_file_max)
        return Error::overflow;
    if (type == s_ifreg && (want & 2) != 0 && inode->writers < 0)
        return Error::txtbsy;
    return {};
}

Result<Ref<File>> file_for(Inode &inode, unsigned flags)
{
    switch (inode.type()) {
    case s_ifchr:
    case s_ifblk: return open_device(inode, flags);
    case s_ififo: return open_fifo(inode, flags);
    case s_ifsock: return Error::nxio;
    default: return inode.open(flags);
    }
}

Result<Ref<File>> path_only(Path path, unsigned flags)
{
    auto file = TRY(make_ref<PathFile>((flags & (O_DIRECTORY | O_NOFOLLOW)) | O_PATH));
    file->path = std::move(path);
    return Ref<File>{std::move(file)};
}

Result<Ref<File>> open_temporary(Path const &directory, unsigned flags, unsigned mode)
{
    auto dir = directory.inode();
    if (!dir->is_directory())
        return Error::notdir;
    if ((flags & 3) == O_RDONLY)
        return Error::inval;
    TRY(want_write(directory));
    TRY(check_access(*dir, 3));
    auto inode = TRY(dir->temporary(new_attributes(*dir, s_ifreg | (mode & 07777))));
    char name[24];
    auto length = format(name, sizeof name, "#%llu", static_cast<unsigned long long>(inode->attributes.ino));
    auto dentry = TRY(Dentry::make(directory.dentry(), {name, static_cast<std::size_t>(length)}, inode));
    dentry->deleted = true;
    return open_object(Path{directory.mount(), std::move(dentry)}, flags, true);
}
}  // namespace

Result<Ref<File>> open_object(Path path, unsigned flags, bool created)
{
    auto inode = path.inode();
    if ((flags & O_DIRECTORY) != 0 && !inode->is_directory() && (flags & O_TMPFILE) != O_TMPFILE)
        return Error::notdir;
    if ((flags & O_CREAT) != 0 && inode->is_directory())
        return Error::isdir;
    TRY(may_open(path, flags, created));
    unsigned const creation = O_CREAT | O_TRUNC | O_CLOEXEC;
    bool const claims = inode->type() == s_ifblk && (flags & (O_CREAT | O_EXCL)) == O_EXCL;  // open(2), O_EXCL
    auto file = TRY(file_for(*inode, flags & ~(claims ? creation : creation | unsigned{O_EXCL})));
    file->flags &= ~static_cast<unsigned>(O_NOCTTY);
    file->path = std::move(path);
    if (inode->type() == s_ifreg && file->writable())
        ++inode->writers;
    if ((flags & O_TRUNC) != 0 && inode->type() == s_ifreg && !created) {
        TRY(file->truncate(0));
        notify_path(file->path, IN_MODIFY);
    }
    notify_path(file->path, IN_OPEN);
    return file;
}

Result<Ref<File>> open_walk(Walk &walk, unsigned flags, std::uint32_t mode)
{
    if ((flags & O_PATH) != 0)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return open_temporary(TRY(walk.finish((flags & O_NOFOLLOW) == 0, false)),
                              flags & ~static_cast<unsigned>(O_CREAT), mode);
    bool created = false;
    auto path = TRY(find_or_create(walk, flags, mode, created));
    if (path.empty()) {  // /proc/N/fd/M of a pipe or another object without a name
        auto original = TRY(walk.nameless->magic_file());
        return (flags & O_DIRECTORY) != 0 ? Result<Ref<File>>{Error::notdir} : original->reopen(flags & ~O_CLOEXEC);
    }
    if ((flags & O_PATH) == 0)
        return open_object(std::move(path), flags, created);
    if ((flags & O_DIRECTORY) != 0 && !path.inode()->is_directory())
        return Error::notdir;
    return path_only(std::move(path), flags);
}

Result<Ref<File>> open_path(int dirfd, std::string_view path, unsigned flags, std::uint32_t mode)
{
    Walk walk;
    TRY(walk.start(dirfd, path));
    return open_walk(walk, flags, mode);
}

Result<Ref<File>> open_path_kernel(std::string_view absolute, unsigned flags, std::uint32_t mode)
{
    Walk walk;
    TRY(walk.start_at(root_path(), root_path(), absolute));
    return open_walk(walk, flags | O_LARGEFILE, mode);
}
}  // namespace kernel
