// SPDX-License-Identifier: MIT
// What files and inodes answer unless their kind knows better.
#include <cstring>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/locks.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <linux/fcntl.h>

namespace kernel {
File::~File()
{
    auto opened = path.inode();
    if (!opened || (flags & O_PATH) != 0)
        return;
    if (opened->locks)
        release_file_locks(*opened, this);
    if (writable() && opened->type() == s_ifreg)
        --opened->writers;
    notify_path(path, writable() ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

Result<std::uint64_t> File::end_position()
{
    auto i = inode();
    return i ? Result<std::uint64_t>{i->attributes.size} : Result<std::uint64_t>{Error::spipe};
}

Result<Ref<MemoryObject>> File::memory_object()
{
    auto i = inode();
    return i ? i->memory_object() : Result<Ref<MemoryObject>>{Error::nodev};
}

Result<std::uint64_t> File::seek_data(std::uint64_t from, bool hole)
{
    auto end = TRY(end_position());
    if (from >= end)
        return Error::nxio;
    return hole ? end : from;
}

void File::describe(char *out, std::size_t size)
{
    auto &fs = current().fs;
    if (path.empty() || !path.format(fs ? fs->root : root_path(), out, size).ok())
        format(out, size, "anon_inode:[file]");
}

Attributes File::anonymous_attributes()
{
    Attributes a;
    a.mode = 0600;
    return a;
}

Result<Ref<MemoryObject>> Inode::memory_object() { return Error::nodev; }

Result<Ref<File>> Inode::magic_file() { return Error::inval; }

Result<Path> Inode::follow_magic() { return Error::inval; }

Result<> Inode::set_attributes(Attributes const &a, unsigned which)
{
    if ((which & set_size) != 0)
        return Error::inval;
    if ((which & set_mode) != 0)
        attributes.mode = (attributes.mode & s_ifmt) | (a.mode & 07777);
    if ((which & set_uid) != 0)
        attributes.uid = a.uid;
    if ((which & set_gid) != 0)
        attributes.gid = a.gid;
    if ((which & set_atime) != 0)
        attributes.atime = a.atime;
    if ((which & set_mtime) != 0)
        attributes.mtime = a.mtime;
    if ((which & set_ctime) != 0)
        attributes.ctime = a.ctime;
    return {};
}
}  // namespace kernel
