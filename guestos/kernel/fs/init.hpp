// SPDX-License-Identifier: MIT
// The first file system: a tmpfs at /, the initramfs unpacked into it, device nodes in /dev.
#pragma once
#include <arch/boot.hpp>
#include <kernel/fs/fs_context.hpp>

namespace kernel {
void fs_init(arch::BootInfo const &);
// Root and working directory of the first process: "/".
Result<Ref<FsContext>> make_fs_context();
// fork without CLONE_FS.
Result<Ref<FsContext>> copy_fs_context(FsContext const &);
}  // namespace kernel
