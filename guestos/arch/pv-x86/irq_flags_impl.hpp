// SPDX-License-Identifier: MIT
// Whether interrupts are taken: the event mask in the shared page. In ring 1 popf would silently not change EFLAGS.IF.
#pragma once
#include <pvlib/hypercall.hpp>
#include <pvlib/shared.hpp>

namespace arch {
struct IrqFlags {
    static bool enabled() { return pv::vcpu().evtchn_upcall_mask == 0; }
    static void disable()
    {
        pv::vcpu().evtchn_upcall_mask = 1;
        asm volatile("" ::: "memory");
    }
    static void enable()
    {
        asm volatile("" ::: "memory");
        pv::vcpu().evtchn_upcall_mask = 0;
        asm volatile("" ::: "memory");
        if (pv::vcpu().evtchn_upcall_pending)
            force_upcall();
    }
    static void wait_enabled() { (void)pv::sched_op(SCHEDOP_block); }  // unmasks and sleeps: no window

    // On its way back from any hypercall the hypervisor delivers what is pending.
    static void force_upcall() { pv::xen_version(XENVER_version); }
};
}  // namespace arch
