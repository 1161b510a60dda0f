// SPDX-License-Identifier: MIT
// The hypervisor's own translations: one L2 for slot 3 whose upper entries every guest's L2 behind slot 3 copies. They are made once, at boot:
// after that only L1 entries below them change, so no guest table ever has to be brought up to date.
#pragma once
#include <cstdint>
#include <lib/addr.hpp>
#include <lib/x86/pte.hpp>

namespace hv {
void paging_init();  // rights of the image, mapping window; the loader's low mapping goes
// Backs [address, address + pages) below the hypervisor's L2; tables come from the heap. Boot only.
void map_hypervisor_range(std::uint32_t address, Mfn first, std::uint32_t pages);
// The machine-to-physical table once more at 0xF5800000, where ring 1 may read it. After map_hypervisor_range(m2p_start).
void show_m2p_to_guests();
// The L1 entry of a page in the image, mapping or descriptor windows. The caller flushes.
Pte *hypervisor_pte(std::uint32_t address);
std::uint64_t nx_bit();  // Pte::NX, or 0 where the processor has none
}  // namespace hv
