// SPDX-License-Identifier: MIT
// What the hypervisor counts for each domain: for the debug keys, and for the domain itself (sysctl's perfc_op), so that it can
// explain what its operations cost. 32 bits wide, as in that interface; they wrap.
#pragma once
#include <cstdint>
#include <pv/hypercalls.h>

namespace hv {
// X(member, name in the interface)
#define HV_COUNTERS(X)                                               \
    X(ring0_entries, "entries into ring 0")                          \
    X(interrupts, "interrupts")                                      \
    X(page_faults, "page faults")                                    \
    X(protection_faults, "general protection faults")                \
    X(fpu_faults, "device-not-available faults")                     \
    X(other_exceptions, "other exceptions")                          \
    X(reflected_calls, "int 0x80 through ring 0")                    \
    X(fast_calls, "sysenter")                                        \
    X(exceptions_bounced, "exceptions bounced")                      \
    X(upcalls, "event upcalls")                                      \
    X(emulated, "instructions emulated")                             \
    X(mmu_entries, "page-table entries updated")                     \
    X(entries_validated, "page-table entries validated")             \
    X(tables_validated, "page tables validated")                     \
    X(root_loads, "CR3 loads")                                       \
    X(tlb_flushes, "TLB flushes asked for")                          \
    X(safety_flushes, "TLB flushes due for a frame's change of use") \
    X(events_sent, "events sent")                                    \
    X(segments_widened, "segments widened")

struct Counters {
#define HV_COUNTER(member, name) std::uint32_t member = 0;
    HV_COUNTERS(HV_COUNTER)
#undef HV_COUNTER
    std::uint32_t hypercalls[PV_NR_HYPERCALLS] = {};
};
}  // namespace hv
