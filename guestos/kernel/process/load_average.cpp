// SPDX-License-Identifier: MIT
#include <kernel/process/load_average.hpp>

namespace kernel {
namespace {
constexpr std::uint64_t sample_ns = 5'000'000'000;
constexpr std::uint32_t factor[3] = {60298, 64454, 65173};  // e^(-5/60), e^(-5/300), e^(-5/900) in 1/65536
std::uint32_t load[3];
std::uint64_t sampled_at;
}  // namespace

std::uint32_t decayed_load(std::uint32_t old, unsigned running, unsigned which)
{
    std::uint64_t f = factor[which], active = std::uint64_t{running} << 16;
    return static_cast<std::uint32_t>((old * f + active * (65536 - f) + 32768) >> 16);
}

// A processor that slept for minutes catches up in one go; after 1000 samples nothing is left of what was before.
void sample_load(std::uint64_t now_ns, unsigned running)
{
    if (now_ns - sampled_at < sample_ns)
        return;
    auto steps = (now_ns - sampled_at) / sample_ns;
    sampled_at += steps * sample_ns;
    for (; steps > 0; --steps) {
        for (unsigned i = 0; i < 3; ++i)
            load[i] = decayed_load(load[i], running, i);
        if (steps > 1000)
            steps = 1000;
    }
}

LoadAverage load_average() { return {{load[0], load[1], load[2]}}; }
}  // namespace kernel
