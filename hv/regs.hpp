// SPDX-License-Identifier: MIT
// The register frame that hv/entry.S builds for every entry, from a guest or from the hypervisor itself.
//
//   low  | ebx ecx edx esi edi ebp eax | ds es fs gs | vector error | eip cs eflags esp ss |  high
//                 pushed by entry.S                  |  stub   cpu  |  processor (esp, ss only from rings 1-3)
#pragma once
#include <cstddef>
#include <cstdint>

namespace hv {
struct GuestRegs {
    std::uint32_t ebx, ecx, edx, esi, edi, ebp, eax;
    std::uint32_t ds, es, fs, gs;
    std::uint32_t vector, error;
    std::uint32_t eip, cs, eflags, esp, ss;

    unsigned ring() const { return cs & 3; }
};
static_assert(sizeof(GuestRegs) == 72 && offsetof(GuestRegs, eip) == 52);
}  // namespace hv
