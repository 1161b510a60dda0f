// SPDX-License-Identifier: MIT
// Going through a page table: most entries of most tables are empty, so eight are looked at together, where eight begin. An entry in
// use has a bit set in its low half (P, or what a kernel keeps in an entry that is not present).
#pragma once
#include <lib/x86/pte.hpp>

inline bool eight_empty(Pte const *e)
{
    return !(e[0].low() | e[1].low() | e[2].low() | e[3].low() | e[4].low() | e[5].low() | e[6].low() | e[7].low());
}

inline bool eight_begin(Pte const *slot) { return reinterpret_cast<std::uintptr_t>(slot) % (8 * sizeof(Pte)) == 0; }

// The first entry in use of [slot, end), or end.
inline Pte *next_used(Pte *slot, Pte const *end)
{
    for (; slot != end; ++slot) {
        if (eight_begin(slot))
            while (slot + 8 <= end && eight_empty(slot))
                slot += 8;
        if (slot == end || slot->low())
            break;
    }
    return slot;
}

// One past the last entry in use of [begin, slot), or begin.
inline Pte *end_of_used(Pte const *begin, Pte *slot)
{
    for (; slot != begin; --slot) {
        if (eight_begin(slot))
            while (slot - 8 >= begin && eight_empty(slot - 8))
                slot -= 8;
        if (slot == begin || slot[-1].low())
            break;
    }
    return slot;
}
