// SPDX-License-Identifier: MIT
// Names: the tree of dentries, mounts, and the walk from a path string to an inode with POSIX's permission and symlink rules.
#pragma once
#include <cstdint>
#include <kernel/fs/inode.hpp>
#include <kernel/ref.hpp>
#include <lib/result.hpp>
#include <string_view>

namespace kernel {
class Dentry;  // path.cpp: name, parent, inode (null: negative)
class Mount;   // mount.cpp

class Path {
public:
    Path();
    Path(Ref<Mount>, Ref<Dentry>);
    Path(Path const &);
    Path(Path &&) noexcept;
    Path &operator=(Path);
    ~Path();
    bool empty() const;
    Ref<Inode> inode() const;  // null when empty or negative
    Ref<Mount> const &mount() const { return mount_; }
    Ref<Dentry> const &dentry() const { return dentry_; }
    // "/a/b" as seen from `root`; " (deleted)" is appended for unlinked ones; Error::nametoolong.
    Result<std::size_t> format(Path const &root, char *out, std::size_t size) const;

private:
    Ref<Mount> mount_;
    Ref<Dentry> dentry_;
};

enum Lookup : unsigned {
    lookup_follow = 1,     // follow a symlink in the last component
    lookup_empty = 2,      // AT_EMPTY_PATH
    lookup_directory = 4,  // must be a directory
    lookup_create = 8,     // the last component may be missing
};
inline constexpr int at_fdcwd = -100;
inline constexpr std::size_t path_max = 4096;

// From dirfd (AT_FDCWD or a descriptor), for the running thread.
Result<Path> resolve(int dirfd, std::string_view path, unsigned lookup);
// The directory and last component, for create, unlink, rename; `last` points into `path`.
Result<Path> resolve_parent(int dirfd, std::string_view path, std::string_view &last, bool *trailing_slash = nullptr);
// Permission of the running thread's fsuid/fsgid (want: MAY_* bits 4 read, 2 write, 1 execute/search).
Result<> check_access(Inode &, unsigned want);
// open(2)'s whole work: O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_PATH, O_TMPFILE, devices, fifos.
Result<Ref<File>> open_path(int dirfd, std::string_view path, unsigned flags, std::uint32_t mode);
// For the kernel itself (exec, initramfs).
Result<Ref<File>> open_path_kernel(std::string_view absolute, unsigned flags, std::uint32_t mode = 0);
}  // namespace kernel
