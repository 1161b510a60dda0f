// SPDX-License-Identifier: MIT
// inotify(7): the file system tells what happens, those who watch read it. The hooks cost one test while nobody watches.
#pragma once
#include <kernel/fs/path.hpp>
#include <linux/inotify.h>

namespace kernel {
// To watches of the inode itself.
void notify(Inode &, std::uint32_t event);
// To watches of the directory, with the name in it; IN_ISDIR is added for directories.
void notify_name(Inode &directory, std::uint32_t event, std::string_view name, Inode const &subject,
                 std::uint32_t cookie = 0);
// To watches of the object and of the directory that its path names.
void notify_path(Path const &, std::uint32_t event);
// The last name is gone: IN_DELETE_SELF now or when the last file closes it, and the end of its watches.
void notify_deleted(Inode &);
void forget_watches(SuperBlock const &);  // it is unmounted: IN_UNMOUNT
std::uint32_t next_notify_cookie();
}  // namespace kernel
