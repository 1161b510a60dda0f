// SPDX-License-Identifier: MIT
// Whether the next FPU instruction traps: asked of the hypervisor, who clears CR0.TS itself when it reflects the trap.
#pragma once
#include <pvlib/hypercall.hpp>

namespace arch {
class FpuAccess {
public:
    static void allow()
    {
        if (!allowed_)
            pv::fpu_taskswitch(false);
        allowed_ = true;
    }
    static void forbid()
    {
        if (allowed_)
            pv::fpu_taskswitch(true);
        allowed_ = false;
    }
    static void trapped() { allowed_ = true; }

private:
    static inline constinit bool allowed_ = true;
};
}  // namespace arch
