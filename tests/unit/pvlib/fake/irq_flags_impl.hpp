// SPDX-License-Identifier: MIT
#pragma once

namespace arch {
struct IrqFlags {
    static bool enabled() { return false; }
    static void disable() {}
    static void enable() {}
    static void wait_enabled() {}
};
}  // namespace arch
