// SPDX-License-Identifier: MIT
// Addresses of the kernel's map, arch::kernel_map_start .. kernel_map_end: for device registers, other domains' pages, anything
// that does not lie in the linear map. Whoever takes a range maps its pages with arch::PageTables::map_kernel() and the like.
#pragma once
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace kernel {
// `pages` consecutive addresses with an unmapped page behind them. Error::nomem: no such gap.
Result<Vaddr> take_kernel_range(std::uint32_t pages);
void give_kernel_range(Vaddr, std::uint32_t pages);  // unmapped before

// A device's registers at a machine address, for ever: uncached. Any alignment. Error::nomem, Error::perm (map_device_page).
Result<void volatile *> map_device(Maddr, std::uint32_t bytes);
}  // namespace kernel
