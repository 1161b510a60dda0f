// SPDX-License-Identifier: MIT
// The image's own function names, for backtraces: section .symbols, filled after linking by tools/embed-symbols.
//
//   count | count x { address, offset of the name from the section's start } by address | names, each ended by NUL
#pragma once
#include <cstdint>

namespace arch {
struct Symbol {
    char const *name = nullptr;  // nullptr: unknown
    std::uint32_t start = 0;
};
Symbol find_symbol(std::uint32_t address);
}  // namespace arch
