// SPDX-License-Identifier: MIT
// The functions of the image by address, for reports. tools/embed-symbols writes them into the linked file:
//
//   symbol_table: | count | address 0 ... address n-1 (ascending) | offset of name 0 ... n-1 | names, NUL-terminated |
//
// All numbers are 32 bits, offsets count from the start of the table. Count 0: the tool did not run.
#pragma once
#include <cstdint>

namespace hv {
struct SymbolName {
    char const *name;      // nullptr: none
    std::uint32_t offset;  // of the address from the symbol's start
};
SymbolName find_symbol(std::uint32_t address);
}  // namespace hv
