// SPDX-License-Identifier: MIT
// Going through a page table: most entries of most tables are empty, so sixteen are looked at together, where sixteen begin. An entry
// in use has a bit set in its low half (P, or what a kernel keeps in an entry that is not present).
#pragma once
#include <lib/x86/pte.hpp>

inline constexpr unsigned entries_at_once = 16;

inline bool all_empty(Pte const *e)
{
    std::uint32_t used = 0;
#pragma GCC unroll 16
    for (unsigned i = 0; i < entries_at_once; ++i)
        used |= e[i].low();
    return used == 0;
}

inline bool may_begin(Pte const *slot)
{
    return reinterpret_cast<std::uintptr_t>(slot) % (entries_at_once * sizeof(Pte)) == 0;
}

// The first entry in use of [slot, end), or end.
inline Pte *next_used(Pte *slot, Pte const *end)
{
    for (; slot != end; ++slot) {
        if (may_begin(slot))
            while (slot + entries_at_once <= end && all_empty(slot))
                slot += entries_at_once;
        if (slot == end || slot->low())
            break;
    }
    return slot;
}

// One past the last entry in use of [begin, slot), or begin.
inline Pte *end_of_used(Pte const *begin, Pte *slot)
{
    for (; slot != begin; --slot) {
        if (may_begin(slot))
            while (slot - entries_at_once >= begin && all_empty(slot - entries_at_once))
                slot -= entries_at_once;
        if (slot == begin || slot[-1].low())
            break;
    }
    return slot;
}
