// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/block/block_pages.hpp>

namespace kernel {
Result<DiskPages::Place> BlockPages::locate(std::uint64_t offset, std::uint32_t bytes)
{
    auto const end = size();
    if (offset >= end)
        return Place{0, bytes, true};
    return Place{offset >> sector_shift, static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, end - offset)), false};
}

Result<> BlockPages::prepare(std::uint32_t, std::uint32_t, std::uint32_t, bool)
{
    if (device_.gone)
        return Error::nxio;
    return device_.read_only() ? Error::rofs : Result<>{};
}
}  // namespace kernel
