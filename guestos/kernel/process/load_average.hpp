// SPDX-License-Identifier: MIT
// The load: how many threads run or wait to run, averaged over 1, 5 and 15 minutes with exponential decay.
#pragma once
#include <cstdint>

namespace kernel {
struct LoadAverage {
    std::uint32_t fixed16[3];
};  // 16 bits after the point
LoadAverage load_average();
void sample_load(std::uint64_t now_ns, unsigned running);  // at every tick and before every sleep of the processor
// One step of 5 s: load * e^(-5 s / minutes) + running * (1 - that). Split out for the unit test.
std::uint32_t decayed_load(std::uint32_t load, unsigned running, unsigned which);
}  // namespace kernel
