// SPDX-License-Identifier: MIT
// How often each console is served, so that guests that write without end leave the rest of the domain's time to others: so many
// transfers in a period for all of them, in equal parts for those that want any.
#pragma once
#include <algorithm>
#include <cstdint>

namespace console {
class Pace {
public:
    static constexpr std::uint64_t period_ms = 100;
    static constexpr unsigned per_period = 200, at_least = 4;

    // To be called often enough; true: a new period has begun, everybody has a new share.
    bool tick(std::uint64_t now_ms)
    {
        if (now_ms - began_ms_ < period_ms)
            return false;
        began_ms_ = now_ms;
        share_ = std::max(at_least, per_period / std::max(1u, active_));
        active_ = 0;
        return true;
    }
    // A console's first transfer in this period.
    void note_active() { ++active_; }
    unsigned share() const { return share_; }
    // Until the next period.
    int wait_ms(std::uint64_t now_ms) const
    {
        auto gone = now_ms - began_ms_;
        return gone >= period_ms ? 0 : static_cast<int>(period_ms - gone);
    }

private:
    std::uint64_t began_ms_ = 0;
    unsigned share_ = per_period, active_ = 0;
};
}  // namespace console
