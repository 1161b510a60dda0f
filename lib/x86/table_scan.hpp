// SPDX-License-Identifier: MIT
// Going through a page table: most entries of most tables are empty, so eight are looked at together. An entry in use has a bit
// set in its low half (P, or what a kernel keeps in an entry that is not present).
#pragma once
#include <lib/x86/pte.hpp>

constexpr std::uint32_t low_half(Pte const &e) { return static_cast<std::uint32_t>(e.raw()); }

inline bool eight_empty(Pte const *e)
{
    return !(low_half(e[0]) | low_half(e[1]) | low_half(e[2]) | low_half(e[3]) | low_half(e[4]) | low_half(e[5])
             | low_half(e[6]) | low_half(e[7]));
}

// The first entry in use of [slot, end), or end.
inline Pte *next_used(Pte *slot, Pte const *end)
{
    while (slot + 8 <= end && eight_empty(slot))
        slot += 8;
    while (slot != end && !low_half(*slot))
        ++slot;
    return slot;
}

// One past the last entry in use of [begin, slot), or begin.
inline Pte *end_of_used(Pte const *begin, Pte *slot)
{
    while (slot - 8 >= begin && eight_empty(slot - 8))
        slot -= 8;
    while (slot != begin && !low_half(slot[-1]))
        --slot;
    return slot;
}
