// SPDX-License-Identifier: MIT
// A process as a file.
#pragma once
#include <kernel/fs/file.hpp>
#include <kernel/process/process.hpp>

namespace kernel {
Result<Ref<File>> make_pidfd(Ref<Process>, unsigned flags);  // flags: PIDFD_NONBLOCK; for CLONE_PIDFD too
}  // namespace kernel
