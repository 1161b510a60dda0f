// SPDX-License-Identifier: MIT
#pragma once
#include <lib/result.hpp>

namespace kernel {
Result<> devtmpfs_init();  // makes the file system and the nodes of all drivers that are linked in
}  // namespace kernel
