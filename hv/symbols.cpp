// SPDX-License-Identifier: MIT
#include <hv/symbols.hpp>

namespace hv {
namespace {

struct Entry {
    std::uint32_t address, name;
};
struct Table {
    std::uint32_t count;
    std::uint8_t rest[(40 << 10) - 4];  // room for the tool
};
[[gnu::section(".symbols"), gnu::used]] alignas(4) Table const symbol_table{};

}  // namespace

SymbolName find_symbol(std::uint32_t address)
{
    // The compiler must not think that the table is what it sees here.
    Table const *table = &symbol_table;
    asm("" : "+r"(table));
    auto entries = reinterpret_cast<Entry const *>(table->rest);
    std::uint32_t low = 0, high = table->count;
    if (high == 0 || address < entries[0].address)
        return {nullptr, 0};
    while (high - low > 1) {
        std::uint32_t middle = (low + high) / 2;
        (entries[middle].address <= address ? low : high) = middle;
    }
    return {reinterpret_cast<char const *>(table) + entries[low].name, address - entries[low].address};
}

}  // namespace hv
