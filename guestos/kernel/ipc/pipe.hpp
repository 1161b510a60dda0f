// SPDX-License-Identifier: MIT
// Pipes and fifos: pipe(7), fifo(7).
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
// open(2) of a fifo, permissions already checked. The pipe hangs at the inode's attachment while anybody has it open. Blocks as
// fifo(7) says; Error::nxio: O_WRONLY|O_NONBLOCK without a reader.
Result<Ref<File>> open_fifo(Inode &, unsigned flags);
// Both ends of a new pipe; flags: O_NONBLOCK, O_DIRECT.
struct PipeEnds {
    Ref<File> reader, writer;
};
Result<PipeEnds> make_pipe(unsigned flags);
}    // namespace kernel
