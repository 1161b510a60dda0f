// SPDX-License-Identifier: MIT
// An inode: what a file system implements. All paths are resolved before; names are single components without '/', "." and "..".
#pragma once
#include <cstdint>
#include <kernel/ref.hpp>
#include <lib/result.hpp>
#include <string_view>

namespace kernel {
class File;
class Inode;
class SuperBlock;
class MemoryObject;

struct TimeSpec { std::int64_t seconds; std::uint32_t nanoseconds; };
struct Attributes {
    std::uint32_t mode = 0;                    // S_IF* and permissions
    std::uint32_t uid = 0, gid = 0, nlink = 1;
    std::uint32_t rdev_major = 0, rdev_minor = 0;
    std::uint64_t ino = 0, size = 0, blocks = 0;           // blocks of 512 bytes
    std::uint32_t block_size = 4096;
    TimeSpec atime{}, mtime{}, ctime{}, btime{};
};
enum SetAttribute : unsigned { set_mode = 1, set_uid = 2, set_gid = 4, set_size = 8, set_atime = 16, set_mtime = 32, set_ctime = 64 };

class Inode : public RefCounted {
public:
    explicit Inode(SuperBlock &sb) : super{sb} {}
    SuperBlock &super;
    Attributes attributes;                     // kept true by the file system

    std::uint32_t type() const { return attributes.mode & 0170000; }
    bool is_directory() const { return type() == 0040000; }

    // Directories.
    virtual Result<Ref<Inode>> lookup(std::string_view) { return Error::notdir; }
    virtual Result<Ref<Inode>> create(std::string_view, Attributes const &) { return Error::perm; }   // any type but directory, symlink
    virtual Result<Ref<Inode>> make_directory(std::string_view, Attributes const &) { return Error::perm; }
    virtual Result<Ref<Inode>> symlink(std::string_view, std::string_view /*target*/, Attributes const &) { return Error::perm; }
    virtual Result<> link(std::string_view, Inode &) { return Error::perm; }
    virtual Result<> unlink(std::string_view, Inode &) { return Error::perm; }
    virtual Result<> remove_directory(std::string_view, Inode &) { return Error::perm; }
    // flags: RENAME_NOREPLACE (checked by the caller), RENAME_EXCHANGE. `target`: what is there now, or null.
    virtual Result<> rename(std::string_view, Inode &, Inode & /*new_directory*/, std::string_view /*new_name*/, Inode * /*target*/, unsigned /*flags*/) { return Error::perm; }
    virtual Result<Ref<Inode>> temporary(Attributes const &) { return Error::opnotsupp; }              // O_TMPFILE

    // Everything.
    virtual Result<std::size_t> read_link(char *, std::size_t) { return Error::inval; }
    // A magic link of procfs goes straight to an object (/proc/N/exe, fd/N, cwd): Error::inval if it is not one.
    virtual Result<class Path> follow_magic();
    virtual Result<> set_attributes(Attributes const &, unsigned which);
    virtual Result<> refresh() { return {}; }                                                          // before stat: procfs
    // An open file description; flags are O_*. Device nodes, fifos and sockets are handled by open.cpp before this is asked.
    virtual Result<Ref<File>> open(unsigned flags) = 0;
    virtual Result<Ref<MemoryObject>> memory_object() { return Error::nodev; }                         // mmap, exec
    virtual bool cacheable() const { return true; }                                                    // procfs: names come and go
    // fifo, socket and device state hangs here while the inode lives; tty/, ipc/ own it.
    Ref<RefCounted> attachment;
    // flock(2) and fcntl(2) locks: fs/locks.cpp
    void *locks = nullptr;
};

class SuperBlock : public RefCounted {
public:
    std::uint32_t device = 0;                  // st_dev
    bool read_only = false;
    virtual Ref<Inode> root() = 0;
    virtual char const *type_name() const = 0;
    struct Statistics { std::uint32_t magic, block_size; std::uint64_t blocks, free, available, files, free_files; std::uint32_t name_max; };
    virtual Statistics statistics() = 0;
    virtual Result<> sync() { return {}; }
    virtual Result<> remount(unsigned /*flags*/, std::string_view /*options*/) { return {}; }
    virtual void options(char *out, std::size_t size) { if (size) out[0] = 0; }      // for /proc/mounts: ",size=64k"
};

// file systems register a constructor by type name (linker section `filesystems`).
struct FileSystemType {
    char const *name;
    bool needs_device;
    Result<Ref<SuperBlock>> (*mount)(std::string_view source, unsigned flags, std::string_view options);
};
#define REGISTER_FILE_SYSTEM(identifier, ...) \
    [[gnu::used, gnu::section("filesystems")]] static ::kernel::FileSystemType const identifier = {__VA_ARGS__}
}    // namespace kernel
