// SPDX-License-Identifier: MIT
// What clone's CLONE_FS shares: root, working directory, umask.
#pragma once
#include <kernel/fs/path.hpp>
#include <kernel/ref.hpp>

namespace kernel {
struct FsContext : RefCounted {
    Path root, cwd;
    std::uint32_t umask = 022;
};
}  // namespace kernel
