// SPDX-License-Identifier: MIT
// Whether the next FPU instruction traps: asked of the hypervisor, with the rest of a context switch. It clears CR0.TS itself
// when it reflects the trap.
#pragma once
#include <pvlib/multicall.hpp>

namespace arch {
class FpuAccess {
public:
    static void allow()
    {
        if (!allowed_)
            pv::deferred_calls().add(__HYPERVISOR_fpu_taskswitch, 0u);
        allowed_ = true;
    }
    static void forbid()
    {
        if (allowed_)
            pv::deferred_calls().add(__HYPERVISOR_fpu_taskswitch, 1u);
        allowed_ = false;
    }
    static void commit() { pv::deferred_calls().commit().take(); }
    static void trapped() { allowed_ = true; }

private:
    static inline constinit bool allowed_ = true;
};
}  // namespace arch
