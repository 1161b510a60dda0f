// SPDX-License-Identifier: MIT
// Whether the next FPU instruction traps: CR0.TS.
#pragma once
#include <lib/x86/priv.hpp>

namespace arch {
class FpuAccess {
public:
    static void allow()
    {
        if (!allowed_)
            x86::clts();
        allowed_ = true;
    }
    static void forbid()
    {
        if (allowed_)
            x86::set_ts();
        allowed_ = false;
    }
    static void commit() {}  // both have happened
    static void trapped() { allow(); }

private:
    static inline constinit bool allowed_ = true;
};
}  // namespace arch
