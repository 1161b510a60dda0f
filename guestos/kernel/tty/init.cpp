// SPDX-License-Identifier: MIT
#include <kernel/tty/init.hpp>
#include <kernel/tty/tty.hpp>

namespace kernel {
void devices_init() { console_init(); }
}  // namespace kernel
