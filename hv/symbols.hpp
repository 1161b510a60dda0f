// SPDX-License-Identifier: MIT
// The functions of the image by address, for reports. tools/embed-symbols fills the section .symbols after linking:
//
//   | count | count x { address, offset of the name from the section's start } | names, NUL-terminated |
//
// 32-bit words, entries by rising address. Count 0: the tool did not run.
#pragma once
#include <cstdint>

namespace hv {
struct SymbolName {
    char const *name;      // nullptr: none
    std::uint32_t offset;  // of the address from the symbol's start
};
SymbolName find_symbol(std::uint32_t address);
}  // namespace hv
