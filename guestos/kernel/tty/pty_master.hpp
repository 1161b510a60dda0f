// SPDX-License-Identifier: MIT
// What the two files of pseudo terminals share.
#pragma once
#include <kernel/tty/pty.hpp>

namespace kernel {
Result<Ref<PtySlave>> allocate_pty();  // Error::nospc: max_ptys are in use
void release_pty(PtySlave &);          // its master closed
Result<Ref<File>> open_pty_slave(Ref<PtySlave>, unsigned flags);
}  // namespace kernel
