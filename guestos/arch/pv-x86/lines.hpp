// SPDX-License-Identifier: MIT
// The lines arch/ serves itself.
#pragma once
#include <arch/irq.hpp>

namespace arch {
extern Line clock_line;    // VIRQ_TIMER, bound by clock_init()
extern Line console_line;  // the console's, bound by irq_init()
void console_bind();       // platform.cpp
}  // namespace arch
