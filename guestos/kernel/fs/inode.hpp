// SPDX-License-Identifier: MIT
// An inode: what a file system implements. All paths are resolved before; names are single components without '/', "." and "..".
#pragma once
#include <cstdint>
#include <kernel/process/wait.hpp>
#include <kernel/ref.hpp>
#include <lib/result.hpp>
#include <string_view>

namespace kernel {
class File;
class Inode;
class SuperBlock;
class MemoryObject;

struct TimeSpec {
    std::int64_t seconds;
    std::uint32_t nanoseconds;
};
struct Attributes {
    std::uint32_t mode = 0;  // S_IF* and permissions
    std::uint32_t uid = 0, gid = 0, nlink = 1;
    std::uint32_t rdev_major = 0, rdev_minor = 0;
    std::uint64_t ino = 0, size = 0, blocks = 0;  // blocks of 512 bytes
    std::uint32_t block_size = 4096;
    TimeSpec atime{}, mtime{}, ctime{}, btime{};
};
// The type bits of a mode and the three special permission bits; the uapi headers hide them from programs with a libc.
inline constexpr std::uint32_t s_ifmt = 0170000, s_ifsock = 0140000, s_iflnk = 0120000, s_ifreg = 0100000,
                               s_ifblk = 0060000, s_ifdir = 0040000, s_ifchr = 0020000, s_ififo = 0010000,
                               s_isuid = 04000, s_isgid = 02000, s_isvtx = 01000;
enum SetAttribute : unsigned {
    set_mode = 1,
    set_uid = 2,
    set_gid = 4,
    set_size = 8,
    set_atime = 16,
    set_mtime = 32,
    set_ctime = 64
};

class Inode : public RefCounted {
public:
    explicit Inode(SuperBlock &sb) : super{sb} {}
    SuperBlock &super;
    Attributes attributes;  // kept true by the file system

    std::uint32_t type() const { return attributes.mode & 0170000; }
    bool is_directory() const { return type() == 0040000; }

    // Directories.
    virtual Result<Ref<Inode>> lookup(std::string_view) { return Error::notdir; }
    virtual Result<Ref<Inode>> create(std::string_view, Attributes const &)
    {
        return Error::perm;
    }  // any type but directory, symlink
    virtual Result<Ref<Inode>> make_directory(std::string_view, Attributes const &) { return Error::perm; }
    virtual Result<Ref<Inode>> symlink(std::string_view, std::string_view /*target*/, Attributes const &)
    {
        return Error::perm;
    }
    virtual Result<> link(std::string_view, Inode &) { return Error::perm; }
    virtual Result<> unlink(std::string_view, Inode &) { return Error::perm; }
    virtual Result<> remove_directory(std::string_view, Inode &) { return Error::perm; }
    // flags: RENAME_NOREPLACE (checked by the caller), RENAME_EXCHANGE. `target`: what is there now, or null.
    virtual Result<> rename(std::string_view, Inode &, Inode & /*new_directory*/, std::string_view /*new_name*/,
                            Inode * /*target*/, unsigned /*flags*/)
    {
        return Error::perm;
    }
    virtual Result<Ref<Inode>> temporary(Attributes const &) { return Error::opnotsupp; }  // O_TMPFILE

    // Everything.
    virtual Result<std::size_t> read_link(char *, std::size_t) { return Error::inval; }
    // A magic link of procfs goes straight to an object (/proc/N/exe, fd/N, cwd): Error::inval if it is not one.
    virtual Result<class Path> follow_magic();
    // follow_magic() gave an empty Path: the object has no name (a pipe, a socket). This is its open file: stat(2) describes it,
    // open(2) asks its reopen().
    virtual Result<Ref<File>> magic_file();  // Error::inval
    virtual Result<> set_attributes(Attributes const &, unsigned which);
    virtual Result<> refresh() { return {}; }  // before stat: procfs
    // An open file description; flags are O_*. Device nodes, fifos and sockets are handled by open.cpp before this is asked.
    virtual Result<Ref<File>> open(unsigned flags) = 0;
    virtual Result<Ref<MemoryObject>> memory_object();  // mmap, exec; Error::nodev
    virtual bool cacheable() const { return true; }     // procfs: names come and go
    // fifo, socket and device state hangs here while the inode lives; tty/, ipc/ own it.
    Ref<RefCounted> attachment;
    // Extended attributes: the value's length is returned; size 0 only asks for it; Error::range: does not fit.
    virtual Result<std::size_t> get_xattr(std::string_view, void *, std::size_t) { return Error::opnotsupp; }
    virtual Result<> set_xattr(std::string_view, void const *, std::size_t, unsigned /*XATTR_CREATE, _REPLACE*/)
    {
        return Error::opnotsupp;
    }
    virtual Result<std::size_t> list_xattrs(char *, std::size_t) { return std::size_t{0}; }
    virtual Result<> remove_xattr(std::string_view) { return Error::opnotsupp; }
    // What an open file's fs/locks.cpp, fs/inotify.cpp and fs/open.cpp keep here.
    struct LockTable *locks = nullptr;    // flock(2) and fcntl(2) locks
    struct WatchList *watches = nullptr;  // inotify(7)
    std::int32_t writers = 0;             // files open for writing; < 0: programs being run from it (ETXTBSY)
    Mutex mutex;                          // a directory's entries, a file's size: held across I/O and user copies
};

// A mounted file system. Inodes do not keep it alive, mounts and therefore paths do; whoever holds an Inode alone and may
// outlive the mount holds a Ref to its super block as well.
class SuperBlock : public RefCounted {
public:
    std::uint32_t device = 0;  // st_dev
    bool read_only = false;
    virtual Ref<Inode> root() = 0;
    virtual char const *type_name() const = 0;
    struct Statistics {
        std::uint32_t magic, block_size;
        std::uint64_t blocks, free, available, files, free_files;
        std::uint32_t name_max;
    };
    virtual Statistics statistics() = 0;
    virtual Result<> sync() { return {}; }
    virtual Result<> remount(unsigned /*flags*/, std::string_view /*options*/) { return {}; }
    virtual void options(char *out, std::size_t size)
    {
        if (size)
            out[0] = 0;
    }                             // for /proc/mounts: ",size=64k"
    virtual void unmounted() {}   // the last mount is gone, and with it every path: let go of the root inode
    Ref<RefCounted> root_dentry;  // mount.cpp's: one tree of names for all mounts of this file system
    unsigned mount_count = 0;
};

// file systems register a constructor by type name (linker section `filesystems`).
struct FileSystemType {
    char const *name;
    bool needs_device;
    Result<Ref<SuperBlock>> (*mount)(std::string_view source, unsigned flags, std::string_view options);
};
#define REGISTER_FILE_SYSTEM(identifier, ...) \
    [[gnu::used, gnu::section("filesystems")]] static ::kernel::FileSystemType const identifier = {__VA_ARGS__}
}  // namespace kernel
