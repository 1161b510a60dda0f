// SPDX-License-Identifier: MIT
// Boot: the console's terminal, the nodes of every registered device, and devtmpfs on /dev. After fs_init(), before drivers.
#pragma once

namespace kernel {
void devices_init();
}  // namespace kernel
