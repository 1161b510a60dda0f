// SPDX-License-Identifier: MIT
// From time-stamp counter ticks to nanoseconds by a shift and a multiplication: ns = (ticks << shift) * mul / 2^32, where a
// negative shift shifts right; by less than 32 either way.
#pragma once
#include <cstdint>

namespace arch {
struct TickScale {
    std::uint32_t mul;
    std::int32_t shift;

    constexpr std::uint64_t ns(std::uint64_t ticks) const
    {
        ticks = shift < 0 ? ticks >> (-shift & 31) : ticks << (shift & 31);
        auto low = (ticks & 0xffff'ffff) * mul, high = (ticks >> 32) * mul;
        return (low >> 32) + high;
    }
    constexpr std::uint32_t khz() const
    {
        auto k = (1'000'000ull << 32) / mul;
        return static_cast<std::uint32_t>(shift < 0 ? k << -shift : k >> shift);
    }
    static constexpr TickScale of_hz(std::uint64_t hz)
    {
        std::int32_t shift = 0;
        while (hz > 2'000'000'000)
            hz >>= 1, --shift;
        while (hz <= 1'000'000'000)
            hz <<= 1, ++shift;
        return {static_cast<std::uint32_t>((1'000'000'000ull << 32) / hz), shift};
    }
};
static_assert(TickScale::of_hz(3'000'000'000).ns(3'000'000'000) / 1000 == 999'999
              || TickScale::of_hz(3'000'000'000).ns(3'000'000'000) == 1'000'000'000);
static_assert(TickScale::of_hz(2'500'000'000).khz() / 10 == 250'000
              || TickScale::of_hz(2'500'000'000).khz() / 10 == 249'999);
}  // namespace arch
