// SPDX-License-Identifier: MIT
// memfd_create(2): a tmpfs file without a name, and its seals.
#pragma once
#include <kernel/fs/file.hpp>

namespace kernel {
Result<std::int32_t> add_seals(File &, std::uint32_t seals);
Result<std::int32_t> get_seals(File &);
}  // namespace kernel
