// SPDX-License-Identifier: MIT
// Segment descriptors and gates a guest may own, and the tables of the processor that hold them.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <hv/memory.hpp>
#include <lib/result.hpp>
#include <lib/x86/descriptor.hpp>

namespace hv {
// check_descriptor.cpp: pure, also compiled for the host's tests.
//
// THE INVARIANT: no descriptor that passed reaches a byte above guest_segment_limit, has DPL 0, or is a gate or another
// system descriptor. Corrects what can be corrected (DPL 0 becomes 1, a limit is cut); false: refused.
// A descriptor that is not present is inert and passes as it is.
bool check_descriptor(Descriptor &);
// The longest limit field, in pages, of a segment at `base` that stays below the hole; 0: not even one page fits.
std::uint32_t pages_below_hole(std::uint32_t base);
// A ring-3 data segment whose limit check_descriptor cut, so that offsets below its base (glibc's thread-local storage)
// fault. `widened` is the same with 4 GiB: it may be in a table only while ring 3 runs (wide.cpp).
bool is_cut_user_segment(Descriptor);
Descriptor widened(Descriptor);

// descriptor.cpp
inline constexpr unsigned first_ldt_page = 16;  // of a window
inline constexpr unsigned descriptors_per_page = page_size / sizeof(Descriptor);
constexpr unsigned gdt_pages(std::uint32_t entries)
{
    return (entries + descriptors_per_page - 1) / descriptors_per_page;
}
inline constexpr std::uint16_t hypervisor_cs = 0xe008, hypervisor_ds = 0xe010, tss_selector = 0xe040,
                               ldt_selector = 0xe048, double_fault_selector = 0xe050;
inline constexpr std::uint16_t first_reserved_selector = 0xe000;

// A guest's selector for a code segment that ring 1 may be entered through; RPL becomes 1. False: hypervisor's or null.
bool check_ring1_selector(Selector &, bool code);
void load_descriptor_tables(Vcpu &);  // GDTR, LDTR, TSS stacks, gate 0x80: on a switch to this vCPU
Result<> set_ldt(Vcpu &, std::uint32_t base, std::uint32_t entries);  // MMUEXT_SET_LDT
void release_ldt(Vcpu &);  // forget the mapped LDT pages: new tables, new LDT, destruction
void release_gdt(Vcpu &);
// After a page fault inside the vCPU's descriptor window: true if an LDT page was mapped and the access may be retried.
bool map_ldt_page(Vcpu &, std::uint32_t address);
inline bool in_descriptor_window(Vcpu const &v, std::uint32_t address)
{
    return address - window_gdt(v.window) < descriptor_window_per_vcpu;
}
// The descriptor a selector names in the vCPU's tables; nothing: null, beyond the table, not mapped, the hypervisor's.
Result<Descriptor> read_descriptor(Vcpu &, Selector);
// Where it lies in the guest's own part of the tables, as mapped in the window; nullptr: nowhere.
Descriptor *descriptor_slot(Vcpu &, Selector);
void update_direct_gate(Vcpu &);  // hardware gate 0x80 from the vCPU's state

// wide.cpp
bool widen_segments(Vcpu &);    // ring 3 faulted: true if something became wide, so retry
void narrow_segments(Vcpu &);   // before anything but this vCPU's ring 3 can run
void rewiden_segments(Vcpu &);  // on the way back to a ring 3 that was wide
}  // namespace hv
