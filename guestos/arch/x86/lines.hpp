// SPDX-License-Identifier: MIT
// The lines arch/ serves itself.
#pragma once
#include <arch/irq.hpp>

namespace arch {
inline constexpr Line clock_line{0};
inline constexpr Line console_line{4};
}  // namespace arch
