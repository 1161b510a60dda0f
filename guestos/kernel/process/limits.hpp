// SPDX-License-Identifier: MIT
#pragma once
#include <kernel/process/process.hpp>

namespace kernel {
inline std::uint64_t soft_limit(unsigned which) { return current_process().limits[which].soft; }
}  // namespace kernel
