// SPDX-License-Identifier: MIT
// Files without a name in any file system: pipes, sockets, eventfd and its kin.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
std::uint64_t next_anonymous_ino();
Attributes anonymous_file_attributes(std::uint32_t mode, std::uint64_t ino);  // owned by the running thread
// A new descriptor for it; flags: O_CLOEXEC counts.
Result<std::int32_t> install_anonymous(Ref<File>, unsigned flags);
}  // namespace kernel
