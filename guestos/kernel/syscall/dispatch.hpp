// SPDX-License-Identifier: MIT
#pragma once

namespace kernel {
void syscalls_init();       // makes the table from the linker section
void trace_syscalls(bool);  // command line option `strace`: every call with its arguments and result, into the log
}  // namespace kernel
