// SPDX-License-Identifier: MIT
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
// fcntl(2) with F_GETLK, F_SETLK, F_SETLKW, their 64-bit forms and F_OFD_*.
Result<std::int32_t> lock_control(int fd, File &, unsigned command, std::uint32_t argument);
}  // namespace kernel
