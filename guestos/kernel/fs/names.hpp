// SPDX-License-Identifier: MIT
// Changes of the tree of names: create, link, remove, rename; POSIX's permission rules for each (path_resolution(7), inode(7)).
#pragma once
#include <kernel/fs/walk.hpp>

namespace kernel {
TimeSpec now();                              // of CLOCK_REALTIME
Result<> want_write(Path const &);           // Error::rofs: mount or file system is read-only
Result<> may_create(Path const &directory);  // its mutex is held
Result<> may_delete(Path const &directory, Dentry const &victim);
bool is_owner(Inode const &);  // or CAP_FOWNER
// Owner, group, mode and times of what the running thread creates in `directory`; mode: type and permissions before the umask.
Attributes new_attributes(Inode const &directory, std::uint32_t mode);

// Regular file, device, fifo or socket. rdev only for devices. The new name as a Path.
Result<Path> create_node(int dirfd, std::string_view path, std::uint32_t mode, unsigned major = 0, unsigned minor = 0);
Result<Path> create_directory(int dirfd, std::string_view path, std::uint32_t mode);
Result<Path> create_symlink(int dirfd, std::string_view path, std::string_view target);
Result<> create_link(Path const &existing, int dirfd, std::string_view path);
Result<> remove_name(int dirfd, std::string_view path);
Result<> remove_directory(int dirfd, std::string_view path);
Result<> rename(int old_dirfd, std::string_view old_path, int new_dirfd, std::string_view new_path, unsigned flags);
}  // namespace kernel
