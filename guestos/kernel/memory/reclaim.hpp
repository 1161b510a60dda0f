// SPDX-License-Identifier: MIT
// Giving memory back in a shortage: clean page-cache pages that their file system can read again.
#pragma once
#include <cstdint>

namespace kernel {
// Frees about `wanted` frames, least recently used first; the number freed. Does not block and allocates nothing.
std::uint32_t reclaim_frames(std::uint32_t wanted);
std::uint32_t reclaimable_frame_count();  // pages of disk files, dirty ones and mapped ones too
}  // namespace kernel
