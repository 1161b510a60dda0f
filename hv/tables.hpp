// SPDX-License-Identifier: MIT
// The processor's own tables: reserved GDT page, IDT, TSS (tables.cpp).
#pragma once
#include <hv/domain.hpp>
#include <lib/addr.hpp>

namespace hv {
void tables_init();                 // before any guest exists: cs, ds, ss, tr become the hypervisor's own
Mfn reserved_gdt_frame();           // page 14 of every vCPU's window
Descriptor flat_segment(Selector);  // one of the guests' four flat segments; not present: another selector
void use_boot_tables();             // the tables of no vCPU
void load_ldt(Vcpu &);
void load_int80_gate(Vcpu &);
inline constexpr std::uint16_t scratch_selector = 0xe058;
void set_scratch_segment(Descriptor);  // for the limit test at boot; empty otherwise
}  // namespace hv
