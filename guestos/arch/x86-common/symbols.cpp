// SPDX-License-Identifier: MIT
#include <symbols.hpp>

namespace arch {
namespace {
struct Entry {
    std::uint32_t address, name;
};
constexpr unsigned section_bytes = 192 << 10;
struct Table {
    std::uint32_t count;
    char rest[section_bytes - 4];
};
[[gnu::section(".symbols"), gnu::used]] alignas(4) Table const symbol_table{};
}  // namespace

Symbol find_symbol(std::uint32_t address)
{
    auto table = &symbol_table;
    asm("" : "+r"(table));  // the compiler must not conclude that it is as empty as here
    auto entries = reinterpret_cast<Entry const *>(table->rest);
    std::uint32_t low = 0, high = table->count;
    while (low < high) {
        auto middle = (low + high) / 2;
        if (entries[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return {};
    return {reinterpret_cast<char const *>(table) + entries[low - 1].name, entries[low - 1].address};
}
}  // namespace arch
