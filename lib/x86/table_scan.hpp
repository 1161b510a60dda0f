// SPDX-License-Identifier: MIT
// Going through a page table: most entries of most tables are empty, so many are looked at together. An entry in use has a bit set in its
// low half (P, or what a kernel keeps in an entry that is not present).
#pragma once
#include <lib/x86/pte.hpp>

inline constexpr unsigned some_entries = 8, many_entries = 32;

template <unsigned n>
bool all_empty(Pte const *e)
{
    std::uint32_t used = 0;
#pragma GCC unroll 32
    for (unsigned i = 0; i < n; ++i)
        used |= e[i].low();
    return used == 0;
}

inline bool some_begin(Pte const *slot)
{
    return reinterpret_cast<std::uintptr_t>(slot) % (some_entries * sizeof(Pte)) == 0;
}

// The first entry in use of [slot, end), or end.
inline Pte *next_used(Pte *slot, Pte const *end)
{
    while (slot != end && !slot->low()) {
        bool skip = some_begin(slot) && slot + some_entries <= end && all_empty<some_entries>(slot);
        slot += skip ? some_entries : 1;
        while (skip && slot + many_entries <= end && all_empty<many_entries>(slot))
            slot += many_entries;
    }
    return slot;
}

// One past the last entry in use of [begin, slot), or begin.
inline Pte *end_of_used(Pte const *begin, Pte *slot)
{
    while (slot != begin && !slot[-1].low()) {
        bool skip = some_begin(slot) && slot - some_entries >= begin && all_empty<some_entries>(slot - some_entries);
        slot -= skip ? some_entries : 1;
        while (skip && slot - many_entries >= begin && all_empty<many_entries>(slot - many_entries))
            slot -= many_entries;
    }
    return slot;
}
