// SPDX-License-Identifier: MIT
// Windows on device registers: like any page of the kernel's map, but uncached. With the page-attribute table as it is after
// reset, PCD and PWT together mean "uncacheable"; Intel SDM Vol. 3A, table 11-10.
#include <arch/device.hpp>

namespace arch {
Result<> map_device_page(Vaddr v, Mfn frame)
{
    auto bits = Pte::P | Pte::RW | Pte::PCD | Pte::PWT | Mmu::no_execute() | Mmu::global();
    mmu().set(Mmu::kernel_slot(v), Pte{frame, bits});
    return mmu().commit();
}
}  // namespace arch
