// SPDX-License-Identifier: MIT
#include <hv/symbols.hpp>

extern "C" {
// In .data, not constant: the linker must give it room in the file, and the compiler must not look into it.
constexpr unsigned symbol_table_bytes = 48 << 10;
extern std::uint32_t symbol_table[];
__attribute__((section(".data.symbol_table"), used)) std::uint32_t symbol_table[symbol_table_bytes / 4] = {0};
}

namespace hv {

SymbolName find_symbol(std::uint32_t address)
{
    std::uint32_t const count = *const_cast<std::uint32_t volatile *>(&symbol_table[0]);
    std::uint32_t const *addresses = symbol_table + 1;
    std::uint32_t const *names = addresses + count;
    if (count == 0 || address < addresses[0])
        return {nullptr, 0};
    std::uint32_t low = 0, high = count;
    while (high - low > 1) {
        std::uint32_t middle = (low + high) / 2;
        (addresses[middle] <= address ? low : high) = middle;
    }
    return {reinterpret_cast<char const *>(symbol_table) + names[low], address - addresses[low]};
}

}  // namespace hv
