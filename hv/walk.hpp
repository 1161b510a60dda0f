// SPDX-License-Identifier: MIT
// Following a vCPU's page tables, as the processor would.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/result.hpp>
#include <lib/x86/pte.hpp>

namespace hv {
struct Walk {
    Mfn l1;  // the table that holds the last entry
    unsigned index;
    Pte entry;  // present or not
};
// Error::inval: not the guest's part of the address space; Error::fault: no L1 there.
Result<Walk> walk_guest_tables(Vcpu const &, std::uint32_t address);
}  // namespace hv
