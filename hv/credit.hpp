// SPDX-License-Identifier: MIT
// Shares of the processor as arithmetic: no state, no clock, so that the host's tests can play it through (schedule.cpp does the rest).
//
// Each vCPU has a virtual time, which advances while it runs, the slower the greater its share; whoever is furthest behind runs. So the time
// that two vCPUs run, over any span in which both want to, is in the proportion of their shares, to within a slice. A domain's
// weight is divided among those of its vCPUs that want to run.
//
//   A vCPU that slept enters where the others are, or behind them by what it did not use, up to `boost_ns`: so it runs at once when it wakes,
//   and cannot save up more than that. One that used its share waits its turn.
//
// A cap is a budget of processor time that a domain gets each period; what it overdraws is owed.
#pragma once
#include <cstdint>

namespace hv::credit {
inline constexpr unsigned default_weight = 256;
inline constexpr std::int64_t default_slice_ns = 10'000'000;
inline constexpr std::int64_t boost_ns = 10'000'000;
inline constexpr std::int64_t cap_period_ns = 30'000'000;
// A vCPU that got the processor keeps it at least so long against one that wakes up.
inline constexpr std::int64_t default_rate_limit_ns = 200'000;

// `competing`: how many of the domain's vCPUs want to run. Precondition: ran_ns below 10^12, weight not 0.
constexpr std::int64_t charge(std::int64_t ran_ns, unsigned weight, unsigned competing)
{
    return ran_ns * default_weight * (competing ? competing : 1) / weight;
}

constexpr std::int64_t enter(std::int64_t own, std::int64_t others)
{
    return own > others - boost_ns ? own : others - boost_ns;
}

// Per cent of one processor.
constexpr std::int64_t quota(unsigned cap) { return cap * cap_period_ns / 100; }

constexpr std::int64_t refill(std::int64_t budget, unsigned cap, std::int64_t periods)
{
    constexpr std::int64_t most = 1000;  // periods that anything can be owed for
    std::int64_t filled = budget + quota(cap) * (periods < most ? periods : most);
    return filled < quota(cap) ? filled : quota(cap);
}
}  // namespace hv::credit
