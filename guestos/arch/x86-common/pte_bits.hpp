// SPDX-License-Identifier: MIT
// How facts about a mapping are written into an L1 entry, and read back.
//
// A page without any access right is held, not present:
//
//     63                 52 51          12 11            0
//    +---------------------+--------------+---------------+
//    | 0                   | ~frame       | HELD, DIRTY   |
//    +---------------------+--------------+---------------+
//
// The frame is inverted so that the address it seems to name does not exist: processors with the L1TF flaw look up the address
// of a not-present entry speculatively, and hypervisors refuse such entries for it.
#pragma once
#include <arch/page_tables.hpp>
#include <lib/x86/pte.hpp>

namespace arch {
inline constexpr std::uint64_t pte_held = Pte::AVL0, pte_held_dirty = Pte::AVL1;
inline constexpr std::uint64_t pte_device = Pte::AVL2;  // in a present entry: the frame is not ours

constexpr bool is_device(Pte e) { return e.has(Pte::P | pte_device); }

constexpr std::uint64_t user_bits(std::uint8_t protection, std::uint64_t no_execute)
{
    return Pte::P | Pte::US | (protection & prot_write ? std::uint64_t{Pte::RW} : 0)
        | (protection & prot_exec ? 0 : no_execute);
}
constexpr Pte user_entry(Mfn frame, std::uint8_t protection, std::uint64_t no_execute)
{
    if (protection == prot_none)
        return Pte{(~(std::uint64_t{frame.raw()} << page_shift) & Pte::frame_mask) | pte_held};
    return Pte{frame, user_bits(protection, no_execute)};
}
constexpr Pte kernel_entry(Mfn frame, std::uint8_t protection, std::uint64_t no_execute, std::uint64_t global)
{
    return Pte{frame, (user_bits(protection, no_execute) & ~std::uint64_t{Pte::US}) | global};
}
// Precondition of the rest: the entry is in use (not 0).
constexpr Mfn frame_of(Pte e) { return e.present() ? e.frame() : Pte{~e.raw()}.frame(); }
constexpr bool is_dirty(Pte e) { return e.has(e.present() ? std::uint64_t{Pte::D} : pte_held_dirty); }
constexpr bool is_accessed(Pte e) { return (~e.low() & (Pte::P | Pte::A)) == 0; }
constexpr Pte with_protection(Pte e, std::uint8_t protection, std::uint64_t no_execute)
{
    bool dirty = is_dirty(e);
    auto fresh = user_entry(frame_of(e), protection, no_execute);
    if (!fresh.present())
        return fresh.with(dirty ? pte_held_dirty : 0);
    return fresh.with((dirty ? std::uint64_t{Pte::D} : 0) | (e.present() ? e.raw() & Pte::A : 0));
}
constexpr Mapping mapping_of(Pte e, Pfn frame)
{
    if (!e.present())
        return {frame, prot_none, false, is_dirty(e)};
    auto protection = static_cast<std::uint8_t>(prot_read | (e.has(Pte::RW) ? prot_write : 0)
                                                | (e.has(Pte::NX) ? 0 : prot_exec));
    return {frame, protection, is_accessed(e), e.has(Pte::D)};
}
static_assert(frame_of(user_entry(Mfn{0x1234}, prot_none, Pte::NX)) == Mfn{0x1234});
static_assert(frame_of(user_entry(Mfn{0x1234}, prot_read, Pte::NX)) == Mfn{0x1234});
static_assert(!user_entry(Mfn{0}, prot_none, 0).present() && user_entry(Mfn{0}, prot_none, 0).raw() != 0);
}  // namespace arch
