// SPDX-License-Identifier: MIT
// The lines arch/ serves itself.
#pragma once
#include <arch/irq.hpp>

namespace arch {
inline constexpr Line clock_line{80};
inline constexpr Line console_line{4};             // COM1
inline constexpr unsigned spurious_vector = 0x7f;  // old processors want the low four bits set
}  // namespace arch
