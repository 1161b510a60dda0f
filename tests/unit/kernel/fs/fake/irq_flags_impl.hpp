// SPDX-License-Identifier: MIT
// Interrupts of a process on this machine: there are none.
#pragma once

namespace arch {
struct IrqFlags {
    static bool enabled() { return true; }
    static void enable() {}
    static void disable() {}
    static void wait_enabled() {}
};
}  // namespace arch
