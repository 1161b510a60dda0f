// SPDX-License-Identifier: MIT
// The file of inotify_init(2), for the system calls.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
class Inotify;
Result<Ref<File>> make_inotify(unsigned flags);
Result<std::int32_t> add_watch(Inotify &, Ref<Inode>, std::uint32_t mask);  // the watch descriptor
Result<> remove_watch(Inotify &, std::int32_t wd);                          // Error::inval: no such watch
}  // namespace kernel
