// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: time, in nanoseconds.
#pragma once
#include <cstdint>

namespace arch {
void clock_init();
std::uint64_t now_ns();  // monotonic since boot; goes on while the guest is not running
// Nanoseconds since the epoch, UTC, as the platform keeps it: now_ns() plus what changes only when somebody sets it.
std::uint64_t wall_clock_base();
inline std::uint64_t wall_clock_ns() { return wall_clock_base() + now_ns(); }
std::uint64_t stolen_ns();  // real time that this virtual processor was ready but did not run; 0 natively
inline constexpr std::uint64_t no_deadline = ~0ull;
void set_deadline(std::uint64_t ns);  // one shot, in now_ns() time; kernel::on_timer() follows. no_deadline: off
}  // namespace arch
