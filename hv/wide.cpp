// SPDX-License-Identifier: MIT
// Thread-local storage at negative offsets: %gs:0xfffffff0 with base B is the word below B, by wrapping round 4 GiB. A limit
// that keeps ring 1 out of the hypervisor makes each such access fault. So, for ring 3 only (whom paging keeps out):
//
//   ring 3 faults, its segment was cut  --> the table holds the 4 GiB form, gate 0x80 leads to ring 0      "wide"
//   anything leaves ring 3              --> it enters ring 0 (no gate leads to ring 1 now); if ring 1 or another vCPU is
//                                           next, the cut form is put back, then every segment register is loaded from it
//   ring 0 returns to a ring 3 that was wide when it last ran --> wide again at once (wide_hint)
//   ring 1 returns to ring 3 by its own iret                  --> cut; its next such access faults, and is wide again
//
// A program that uses no negative offset keeps the direct gate. A kernel saves the fault by returning with the iret
// hypercall. With several processors two vCPUs may share a table: then a wide form needs a copy of its own.
#include <hv/descriptor.hpp>
#include <hv/tables.hpp>
#include <initializer_list>
#include <iterator>

namespace hv {
namespace {

bool is_wide_already(Vcpu const &v, Descriptor const *slot)
{
    for (unsigned i = 0; i < v.wide_count; ++i)
        if (v.wide[i] == slot)
            return true;
    return false;
}

// The segment that `selector` names, if it is one that was cut and is not wide now.
Descriptor *cut_slot(Vcpu &v, std::uint32_t selector)
{
    Descriptor *slot = descriptor_slot(v, Selector{static_cast<std::uint16_t>(selector)});
    return slot && is_cut_user_segment(*slot) && !is_wide_already(v, slot) ? slot : nullptr;
}

void make_wide(Vcpu &v, Descriptor *slot)
{
    if (v.wide_count == std::size(v.wide))
        narrow_segments(v);
    v.wide_hint = *slot;
    *slot = widened(*slot);
    v.wide[v.wide_count++] = slot;
}

}  // namespace

bool widen_segments(Vcpu &v)
{
    bool any = false;
    GuestRegs const &r = v.regs;
    for (std::uint32_t selector : {r.gs, r.fs, r.es, r.ds})
        if (Descriptor *slot = cut_slot(v, selector)) {
            make_wide(v, slot);
            any = true;
        }
    if (any) {
        load_int80_gate(v);
        ++v.domain->counters.segments_widened;
    }
    return any;
}

void rewiden_segments(Vcpu &v)
{
    if (v.wide_count)
        return;
    GuestRegs const &r = v.regs;
    for (std::uint32_t selector : {r.gs, r.fs})
        if (Descriptor *slot = cut_slot(v, selector); slot && *slot == v.wide_hint)
            make_wide(v, slot);
    if (v.wide_count)
        load_int80_gate(v);
}

void narrow_segments(Vcpu &v)
{
    if (!v.wide_count)
        return;
    while (v.wide_count) {
        Descriptor *slot = v.wide[--v.wide_count];
        check_descriptor(*slot);
    }
    load_int80_gate(v);
}

}  // namespace hv
