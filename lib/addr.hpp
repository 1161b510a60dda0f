// SPDX-License-Identifier: MIT
// Four kinds of address, four types; nothing converts implicitly.
//
//   Vaddr  a linear address: what the processor dereferences
//   Pfn    a guest kernel's idea of a physical frame number: 0 .. nr_frames-1, contiguous ("pseudo-physical")
//   Mfn    a machine frame number: what a page-table entry holds
//   Maddr  a machine address, 64 bits wide under PAE
//
// Natively Pfn and Mfn are equal; under a hypervisor only arch/ code converts between them.
#pragma once
#include <compare>
#include <cstdint>

template <class Tag, class Rep>
class Number {
public:
    using rep = Rep;
    constexpr Number() = default;
    constexpr explicit Number(Rep raw) : raw_{raw} {}
    constexpr Rep raw() const { return raw_; }
    friend constexpr auto operator<=>(Number, Number) = default;
    friend constexpr Number operator+(Number a, Rep n) { return Number{static_cast<Rep>(a.raw_ + n)}; }
    friend constexpr Number operator-(Number a, Rep n) { return Number{static_cast<Rep>(a.raw_ - n)}; }
    friend constexpr Rep operator-(Number a, Number b) { return static_cast<Rep>(a.raw_ - b.raw_); }
    constexpr Number &operator+=(Rep n)
    {
        raw_ = static_cast<Rep>(raw_ + n);
        return *this;
    }
    constexpr Number &operator-=(Rep n)
    {
        raw_ = static_cast<Rep>(raw_ - n);
        return *this;
    }
    constexpr Number &operator++() { return *this += 1; }

private:
    Rep raw_{};
};

using Vaddr = Number<struct VaddrTag, std::uint32_t>;
using Pfn = Number<struct PfnTag, std::uint32_t>;
using Mfn = Number<struct MfnTag, std::uint32_t>;
using Maddr = Number<struct MaddrTag, std::uint64_t>;

inline constexpr std::uint32_t page_shift = 12;
inline constexpr std::uint32_t page_size = 1u << page_shift;
inline constexpr std::uint32_t page_mask = ~(page_size - 1);

inline constexpr Mfn no_mfn{~0u};
inline constexpr Pfn no_pfn{~0u};

constexpr Maddr to_maddr(Mfn f, std::uint32_t offset = 0)
{
    return Maddr{(std::uint64_t{f.raw()} << page_shift) + offset};
}
constexpr Mfn to_mfn(Maddr a) { return Mfn{static_cast<std::uint32_t>(a.raw() >> page_shift)}; }
constexpr std::uint32_t page_offset(Maddr a) { return static_cast<std::uint32_t>(a.raw()) & ~page_mask; }
constexpr std::uint32_t page_offset(Vaddr v) { return v.raw() & ~page_mask; }
constexpr Vaddr page_floor(Vaddr v) { return Vaddr{v.raw() & page_mask}; }
// Wraps to 0 for an address in the last page, as the caller's own arithmetic would.
constexpr Vaddr page_ceil(Vaddr v) { return Vaddr{(v.raw() + page_size - 1) & page_mask}; }
constexpr std::uint32_t pages_for(std::uint32_t bytes) { return (bytes >> page_shift) + ((bytes & ~page_mask) != 0); }

template <class T>
T *pointer_to(Vaddr v)
{
    return reinterpret_cast<T *>(static_cast<std::uintptr_t>(v.raw()));
}
inline Vaddr vaddr_of(void const *p) { return Vaddr{static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(p))}; }

static_assert(sizeof(Vaddr) == 4 && sizeof(Pfn) == 4 && sizeof(Mfn) == 4 && sizeof(Maddr) == 8);
static_assert(pages_for(0) == 0 && pages_for(1) == 1 && pages_for(4096) == 1 && pages_for(4097) == 2);
