// SPDX-License-Identifier: MIT
#pragma once
#include <kernel/fs/walk.hpp>

namespace kernel {
// A started walk's object, opened. flags: O_*, mode: permissions of what O_CREAT makes.
Result<Ref<File>> open_walk(Walk &, unsigned flags, std::uint32_t mode);
// An object that is there; created: by this open, so its permissions do not matter.
Result<Ref<File>> open_object(Path, unsigned flags, bool created);
}  // namespace kernel
