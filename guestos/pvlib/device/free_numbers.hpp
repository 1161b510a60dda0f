// SPDX-License-Identifier: MIT
// Which of the numbers below n are free: identifiers of requests, pages of a pool. The last one given back is the next one taken.
#pragma once
#include <cstdint>

namespace pv {
template <unsigned most>
class FreeNumbers {
public:
    FreeNumbers(unsigned n = most)  // n <= most; all of them are free
    {
        while (n)
            put(--n);
    }
    unsigned count() const { return count_; }
    std::uint16_t take() { return free_[--count_]; }  // precondition: count() > 0
    void put(unsigned number) { free_[count_++] = static_cast<std::uint16_t>(number); }

private:
    std::uint16_t free_[most];
    unsigned count_ = 0;
};
}  // namespace pv
