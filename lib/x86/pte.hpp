// SPDX-License-Identifier: MIT
// A PAE page-table entry, shared by hypervisor and guest. Intel SDM Vol. 3A, 4.4 "PAE Paging", tables 4-8 to 4-11.
//
//      31 30 29          21 20         12 11            0
//     +-----+--------------+-------------+---------------+
//     |PDPT |  PD (L2)     |  PT (L1)    |  offset       |     linear address
//     +-----+--------------+-------------+---------------+
//       L3: 4 entries  L2: 512 entries  L1: 512 entries, 8 bytes each
#pragma once
#include <lib/addr.hpp>

// The level of the table that holds an entry, with Xen's numbers: an L1 entry maps a 4 KB page.
enum class Level : std::uint8_t { l1 = 1, l2 = 2, l3 = 3 };

class Pte {
public:
    enum Bit : std::uint64_t {
        P = 1ull << 0,   // present
        RW = 1ull << 1,  // writable
        US = 1ull << 2,  // user (ring 3)
        PWT = 1ull << 3,
        PCD = 1ull << 4,
        A = 1ull << 5,   // accessed
        D = 1ull << 6,   // dirty
        PS = 1ull << 7,  // L2: maps 2 MB; L1: PAT
        G = 1ull << 8,   // global
        AVL0 = 1ull << 9,
        AVL1 = 1ull << 10,
        AVL2 = 1ull << 11,
        NX = 1ull << 63,
    };
    static constexpr std::uint64_t frame_mask = 0x000f'ffff'ffff'f000;

    constexpr Pte() = default;
    constexpr explicit Pte(std::uint64_t raw) : raw_{raw} {}
    constexpr Pte(Mfn frame, std::uint64_t bits) : raw_{std::uint64_t{frame.raw()} << page_shift | bits} {}

    constexpr bool present() const { return (raw_ & P) != 0; }
    constexpr bool has(std::uint64_t bits) const { return (raw_ & bits) == bits; }
    constexpr std::uint64_t flags() const { return raw_ & ~frame_mask; }
    constexpr Mfn frame() const { return Mfn{static_cast<std::uint32_t>((raw_ & frame_mask) >> page_shift)}; }
    constexpr std::uint64_t raw() const { return raw_; }
    constexpr std::uint32_t low() const { return static_cast<std::uint32_t>(raw_); }
    constexpr std::uint32_t high() const { return static_cast<std::uint32_t>(raw_ >> 32); }
    constexpr Pte with(std::uint64_t bits) const { return Pte{raw_ | bits}; }
    constexpr Pte without(std::uint64_t bits) const { return Pte{raw_ & ~bits}; }
    friend constexpr bool operator==(Pte, Pte) = default;

private:
    std::uint64_t raw_{};
};
static_assert(sizeof(Pte) == 8);
static_assert(Pte{Mfn{0x1234}, Pte::P | Pte::NX}.frame() == Mfn{0x1234});

inline constexpr unsigned entries_per_table = 512;  // L1 and L2
inline constexpr unsigned entries_per_pdpt = 4;     // L3
inline constexpr std::uint32_t l2_shift = 21, l3_shift = 30;

constexpr unsigned table_index(Level level, Vaddr v)
{
    unsigned shift = page_shift + 9 * (static_cast<unsigned>(level) - 1);
    return (v.raw() >> shift) & (level == Level::l3 ? 3u : 511u);
}
static_assert(table_index(Level::l3, Vaddr{~0u}) == 3 && table_index(Level::l2, Vaddr{~0u}) == 511);
static_assert(table_index(Level::l2, Vaddr{0x0020'0000}) == 1 && table_index(Level::l1, Vaddr{0x1000}) == 1);

// Stores all eight bytes at once: the page walker must never see half an entry. Not a compiler atomic: at -m32 those
// become x87 moves or a library call.
inline void store_atomic(Pte volatile *slot, Pte value)
{
    std::uint64_t old = const_cast<Pte const *>(slot)->raw();
    asm volatile("1: lock cmpxchg8b %0\n\tjne 1b"
                 : "+m"(*slot), "+A"(old)
                 : "b"(static_cast<std::uint32_t>(value.raw())), "c"(static_cast<std::uint32_t>(value.raw() >> 32))
                 : "memory", "cc");
}
// Replaces `expected` by `value` if the entry still holds it; returns whether it did.
inline bool compare_exchange(Pte volatile *slot, Pte expected, Pte value)
{
    std::uint64_t old = expected.raw();
    bool equal;
    asm volatile("lock cmpxchg8b %1\n\tsete %0"
                 : "=q"(equal), "+m"(*slot), "+A"(old)
                 : "b"(static_cast<std::uint32_t>(value.raw())), "c"(static_cast<std::uint32_t>(value.raw() >> 32))
                 : "memory", "cc");
    return equal;
}
