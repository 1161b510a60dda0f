// SPDX-License-Identifier: MIT
// Whether interrupts are taken: EFLAGS.IF.
#pragma once
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>

namespace arch {
struct IrqFlags {
    static bool enabled() { return (x86::read_eflags() & x86::IF) != 0; }
    static void disable() { x86::cli(); }
    static void enable() { x86::sti(); }
    static void wait_enabled() { x86::sti_hlt(); }  // sti takes effect after hlt has begun: no window
};
}  // namespace arch
