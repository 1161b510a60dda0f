// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace hv {
struct ClockRates {
    std::uint32_t tsc_khz;
    std::uint32_t apic_khz;  // of the APIC timer as apic.cpp divides it; 0: no APIC
};
ClockRates calibrate_clocks();        // takes some 60 ms
std::uint64_t read_cmos_seconds();    // since 1970-01-01 UTC, from the real-time clock
void pit_start(std::uint16_t ticks);  // one interrupt on line 0 after that many periods of 1.193182 MHz
inline constexpr std::uint32_t pit_hz = 1'193'182;
}  // namespace hv
