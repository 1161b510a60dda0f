// SPDX-License-Identifier: MIT
// The kernel's log as a file.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
Result<Ref<File>> open_proc_kmsg(unsigned flags);  // /proc/kmsg: as syslog(2) SYSLOG_ACTION_READ, each reader from the start
}  // namespace kernel
