// SPDX-License-Identifier: MIT
#pragma once

namespace kernel {
// root=/dev/NAME on the command line, and no initrd: that disk becomes "/", with /dev mounted in it. rw, ro (the default),
// rootfstype=, rootflags= as elsewhere. A panic that says what is wrong if it cannot be. On the first process's thread.
void mount_root_device();
}  // namespace kernel
