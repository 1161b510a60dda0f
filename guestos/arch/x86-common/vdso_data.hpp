// SPDX-License-Identifier: MIT
// The data page of the vDSO: time = (time-stamp counter - `tsc`) scaled, plus `ns`. Its first part is written by whoever knows the
// clock: the kernel natively, the hypervisor otherwise, in whose layout it is (struct vcpu_time_info). The version is odd while it is
// being written, and another one when it has been.
#pragma once
#include <cstddef>
#include <cstdint>
#include <scale.hpp>

namespace arch {
struct VdsoTime {
    std::uint32_t version, unused;
    std::uint64_t tsc, ns;
    std::uint32_t mul;
    std::int8_t shift;
    std::uint8_t flags, unused_2[2];
};
static_assert(sizeof(VdsoTime) == 32 && offsetof(VdsoTime, mul) == 24 && offsetof(VdsoTime, shift) == 28);

// Bit n: Linux's clock number n. Realtime and its coarse sister; monotonic, raw, monotonic's sister, boot time.
inline constexpr std::uint32_t realtime_clocks = 1u << 0 | 1u << 5,
                               monotonic_clocks = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 7;

struct VdsoData {
    VdsoTime time;
    std::uint32_t clocks;                     // those that can be read here; 0: nobody writes the clock, ask the kernel
    std::uint32_t version;                    // of the following, as above
    std::uint64_t monotonic_ns, realtime_ns;  // to be added
};
static_assert(sizeof(VdsoData) == 56);

// f() under a version.
template <class F>
auto read_versioned(std::uint32_t const volatile &version, F f)
{
    for (;;) {
        auto before = version;
        asm volatile("" ::: "memory");
        auto value = f();
        asm volatile("" ::: "memory");
        if (!(before & 1) && before == version)
            return value;
    }
}
}  // namespace arch
