// SPDX-License-Identifier: MIT
// Segment and gate descriptors, selectors. Intel SDM Vol. 3A, 3.4.2 "Segment Selectors", 3.4.5 "Segment Descriptors",
// 3.5 "System Descriptor Types", 6.11 "IDT Descriptors".
#pragma once
#include <cstdint>

class Selector {
public:
    constexpr Selector() = default;
    constexpr explicit Selector(std::uint16_t raw) : raw_{raw} {}
    static constexpr Selector gdt(unsigned index, unsigned rpl)
    {
        return Selector{static_cast<std::uint16_t>(index << 3 | rpl)};
    }
    constexpr std::uint16_t raw() const { return raw_; }
    constexpr unsigned index() const { return raw_ >> 3; }
    constexpr unsigned rpl() const { return raw_ & 3; }
    constexpr bool in_ldt() const { return (raw_ & 4) != 0; }
    constexpr bool is_null() const { return (raw_ & ~3) == 0; }
    friend constexpr bool operator==(Selector, Selector) = default;

private:
    std::uint16_t raw_{};
};

class Descriptor {
public:
    // The type field (bits 40-43) of system descriptors, SDM table 3-2.
    enum class System : std::uint8_t {
        tss16 = 1,
        ldt = 2,
        tss16_busy = 3,
        call_gate16 = 4,
        task_gate = 5,
        interrupt_gate16 = 6,
        trap_gate16 = 7,
        tss32 = 9,
        tss32_busy = 11,
        call_gate32 = 12,
        interrupt_gate32 = 14,
        trap_gate32 = 15,
    };
    // Bits of the type field of code and data descriptors, SDM table 3-1.
    enum Type : std::uint8_t { accessed = 1, writable_or_readable = 2, expand_down_or_conforming = 4, code = 8 };

    constexpr Descriptor() = default;
    constexpr explicit Descriptor(std::uint64_t raw) : raw_{raw} {}
    // A code or data segment; `limit` is the last valid byte, rounded up to pages when it does not fit in 20 bits.
    static constexpr Descriptor segment(std::uint32_t base, std::uint32_t limit, unsigned type, unsigned dpl)
    {
        bool pages = limit > 0xfffff;
        std::uint64_t l = pages ? limit >> 12 : limit;
        return Descriptor{(l & 0xffff) | (std::uint64_t{base} & 0xff'ffff) << 16 | std::uint64_t{type} << 40
                          | 1ull << 44 | std::uint64_t{dpl} << 45 | 1ull << 47 | (l >> 16) << 48 | 1ull << 54
                          | std::uint64_t{pages} << 55 | std::uint64_t{base >> 24} << 56};
    }
    static constexpr Descriptor gate(System type, Selector target, std::uint32_t offset, unsigned dpl)
    {
        return Descriptor{(std::uint64_t{offset} & 0xffff) | std::uint64_t{target.raw()} << 16
                          | static_cast<std::uint64_t>(type) << 40 | std::uint64_t{dpl} << 45 | 1ull << 47
                          | std::uint64_t{offset >> 16} << 48};
    }
    static constexpr Descriptor tss(std::uint32_t base, std::uint32_t limit)
    {
        return Descriptor{(limit & 0xffffull) | (std::uint64_t{base} & 0xff'ffff) << 16
                          | static_cast<std::uint64_t>(System::tss32) << 40 | 1ull << 47
                          | std::uint64_t{(limit >> 16) & 0xf} << 48 | std::uint64_t{base >> 24} << 56};
    }

    constexpr std::uint64_t raw() const { return raw_; }
    constexpr std::uint32_t low() const { return static_cast<std::uint32_t>(raw_); }
    constexpr std::uint32_t high() const { return static_cast<std::uint32_t>(raw_ >> 32); }
    constexpr bool present() const { return (raw_ >> 47 & 1) != 0; }
    constexpr bool is_system() const { return (raw_ >> 44 & 1) == 0; }
    constexpr unsigned type() const { return static_cast<unsigned>(raw_ >> 40 & 0xf); }
    constexpr unsigned dpl() const { return static_cast<unsigned>(raw_ >> 45 & 3); }
    constexpr bool is_code() const { return !is_system() && (type() & code) != 0; }
    constexpr bool in_pages() const { return (raw_ >> 55 & 1) != 0; }
    constexpr bool is_32bit() const { return (raw_ >> 54 & 1) != 0; }
    constexpr bool is_64bit() const { return (raw_ >> 53 & 1) != 0; }
    constexpr std::uint32_t base() const
    {
        return static_cast<std::uint32_t>(raw_ >> 16 & 0xff'ffff) | static_cast<std::uint32_t>(raw_ >> 56) << 24;
    }
    // The last valid offset of an expand-up segment.
    constexpr std::uint32_t limit() const
    {
        auto l = static_cast<std::uint32_t>(raw_ & 0xffff) | static_cast<std::uint32_t>(raw_ >> 48 & 0xf) << 16;
        return in_pages() ? l << 12 | 0xfff : l;
    }
    friend constexpr bool operator==(Descriptor, Descriptor) = default;

private:
    std::uint64_t raw_{};
};
static_assert(sizeof(Selector) == 2 && sizeof(Descriptor) == 8);
static_assert(Descriptor::segment(0, 0xffff'ffff, 0xa, 0).raw() == 0x00cf'9a00'0000'ffff);
static_assert(Descriptor::segment(0x1234'5678, 0xfff, 2, 3).base() == 0x1234'5678);
static_assert(Descriptor::segment(0, 0xf57f'ffff, 2, 3).limit() == 0xf57f'ffff);
