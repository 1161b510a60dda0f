// SPDX-License-Identifier: MIT
// The processor's tables. One reserved GDT page serves every vCPU as page 14 of its descriptor window, so selectors from
// 0xe000 on mean the same everywhere. SDM Vol. 3A chapters 3.4, 6.10 (IDT), 7.2 (TSS).
//
//   0xe008 hv code   0xe019 ring-1 code   0xe02b ring-3 code   0xe040 TSS
//   0xe010 hv data   0xe021 ring-1 data   0xe033 ring-3 data   0xe048 LDT   0xe050 double-fault TSS
//
// Ring 0's segments cover 4 GiB; those of rings 1 and 3 end at guest_segment_limit, and so does everything that
// check_descriptor lets into the other pages.
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/limits.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/pirq.hpp>
#include <hv/tables.hpp>
#include <hv/trap.hpp>
#include <initializer_list>
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>
#include <pv/xen.h>

extern "C" {
extern std::uint32_t const trap_stubs[256];
void hypercall_entry();
void double_fault_entry();
extern std::uint8_t double_fault_stack_top[];
[[noreturn]] void double_fault_in_ring0();
}

namespace hv {
namespace {

using System = Descriptor::System;

constexpr std::uint16_t gdt_limit = first_reserved_selector + page_size - 1;
constexpr unsigned code_type = Descriptor::code | Descriptor::writable_or_readable | Descriptor::accessed;
constexpr unsigned data_type = Descriptor::writable_or_readable | Descriptor::accessed;

alignas(page_size) Descriptor reserved_gdt[page_size / sizeof(Descriptor)];

Descriptor &reserved(std::uint16_t selector) { return reserved_gdt[(selector - first_reserved_selector) >> 3]; }

std::uint32_t linear(void const *p) { return vaddr_of(p).raw(); }

void fill_reserved_gdt(Cpu &cpu)
{
    reserved(hypervisor_cs) = Descriptor::segment(0, ~0u, code_type, 0);
    reserved(hypervisor_ds) = Descriptor::segment(0, ~0u, data_type, 0);
    reserved(FLAT_RING1_CS) = Descriptor::segment(0, guest_segment_limit, code_type, 1);
    reserved(FLAT_RING1_DS) = Descriptor::segment(0, guest_segment_limit, data_type, 1);
    reserved(FLAT_RING3_CS) = Descriptor::segment(0, guest_segment_limit, code_type, 3);
    reserved(FLAT_RING3_DS) = Descriptor::segment(0, guest_segment_limit, data_type, 3);
    reserved(tss_selector) = Descriptor::tss(linear(&cpu.tss), sizeof(Tss) - 1);
    reserved(double_fault_selector) = Descriptor::tss(linear(&cpu.double_fault_tss), sizeof(Tss) - 1);
}

void fill_tss(Cpu &cpu)
{
    cpu.tss.esp0 = linear(cpu_stack_top);
    cpu.tss.ss0 = hypervisor_ds;
    cpu.tss.io_map = sizeof(Tss);  // beyond the limit: no port is open to rings 1-3
    Tss &df = cpu.double_fault_tss;
    df.cr3 = x86::read_cr3();  // the hypervisor's own tables: load_descriptor_tables keeps it right
    df.eip = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&double_fault_entry));
    df.esp = df.esp0 = linear(double_fault_stack_top);
    df.ss = df.ss0 = df.ds = df.es = hypervisor_ds;
    df.cs = hypervisor_cs;
    df.eflags = 2;
    df.io_map = sizeof(Tss);
}

void set_gate(Cpu &cpu, unsigned vector, std::uint32_t target, unsigned dpl)
{
    cpu.idt[vector] = Descriptor::gate(System::interrupt_gate32, Selector{hypervisor_cs}, target, dpl);
}

// Every gate into ring 0 is an interrupt gate: the hypervisor runs with interrupts off.
void fill_idt(Cpu &cpu)
{
    for (unsigned v = 0; v < 32; ++v)
        set_gate(cpu, v, trap_stubs[v], v == x86::BP || v == x86::OF_ ? 3 : 0);
    cpu.idt[x86::DF_] = Descriptor::gate(System::task_gate, Selector{double_fault_selector}, 0, 0);
    for (unsigned v = irq_vector_base; v < irq_vector_base + 16; ++v)
        set_gate(cpu, v, trap_stubs[v], 0);
    for (unsigned v = message_vector_base; v < message_vector_base + message_pirqs; ++v)
        set_gate(cpu, v, trap_stubs[v], 0);
    set_gate(cpu, apic_timer_vector, trap_stubs[apic_timer_vector], 0);
    set_gate(cpu, apic_spurious_vector, trap_stubs[apic_spurious_vector], 0);
    set_gate(cpu, hypercall_vector, static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&hypercall_entry)), 1);
}

void load_segments()
{
    asm volatile("ljmp %0, $1f\n"
                 "1:\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %1, %%ss\n\tmov %2, %%fs\n\tmov %2, %%gs"
                 :
                 : "i"(hypervisor_cs), "r"(std::uint32_t{hypervisor_ds}), "r"(0)
                 : "memory");
}

}  // namespace

Mfn reserved_gdt_frame() { return Mfn{(linear(reserved_gdt) - image_start + image_machine_start) >> page_shift}; }

Descriptor flat_segment(Selector s)
{
    for (int known : {FLAT_RING1_CS, FLAT_RING1_DS, FLAT_RING3_CS, FLAT_RING3_DS})
        if ((s.raw() & ~3) == (known & ~3))
            return reserved(static_cast<std::uint16_t>(known));
    return {};
}

// No vCPU and so no window: a base that puts the reserved page where its selectors say.
void use_boot_tables()
{
    x86::lgdt({gdt_limit, linear(reserved_gdt) - first_reserved_selector});
    x86::lldt(0);
}

void set_scratch_segment(Descriptor d) { reserved(scratch_selector) = d; }

void tables_init()
{
    Cpu &cpu = this_cpu();
    fill_reserved_gdt(cpu);
    fill_tss(cpu);
    fill_idt(cpu);
    use_boot_tables();
    load_segments();
    x86::ltr(tss_selector);
    x86::lidt({sizeof cpu.idt - 1, linear(cpu.idt)});
}

void cpu_init()
{
    tables_init();
    x86::write_cr0((x86::read_cr0() & ~x86::CR0_EM) | x86::CR0_WP | x86::CR0_NE | x86::CR0_MP);
    fpu_init();
    irq_init();
    test_segment_limits();
}

void load_ldt(Vcpu &v)
{
    if (!v.ldt_entries)
        return x86::lldt(0);
    std::uint32_t limit = v.ldt_entries * static_cast<std::uint32_t>(sizeof(Descriptor)) - 1;
    std::uint64_t type = static_cast<std::uint64_t>(System::ldt) << 40;
    std::uint64_t tss_type = static_cast<std::uint64_t>(System::tss32) << 40;
    reserved(ldt_selector) = Descriptor{(Descriptor::tss(window_ldt(v.window), limit).raw() & ~tss_type) | type};
    x86::lldt(ldt_selector);
}

// The direct gate: ring 3 to the guest's ring-1 handler without ring 0. A trap gate, for IF stays on in ring 1. What its
// selector names is looked up by the processor at each use, in tables that never hold a descriptor of DPL 0.
void load_int80_gate(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    TrapEntry const &t = v.traps[int80_vector];
    if (!t.address || t.dpl != 3)
        cpu.idt[int80_vector] = Descriptor{};  // int 0x80 is then a general protection fault
    else if (v.direct_int80 && v.wide_count == 0)
        cpu.idt[int80_vector] = v.int80_gate;
    else
        set_gate(cpu, int80_vector, trap_stubs[int80_vector], 3);
}

void update_direct_gate(Vcpu &v)
{
    TrapEntry const &t = v.traps[int80_vector];
    v.direct_int80 = t.address && t.dpl == 3 && !t.mask_events;
    v.int80_gate = Descriptor::gate(System::trap_gate32, t.selector, t.address, 3);
    if (&v == this_cpu().current)
        load_int80_gate(v);
}

void load_descriptor_tables(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    cpu.tss.esp0 = linear(&v.regs + 1);
    cpu.tss.ss1 = v.kernel_ss.raw();
    cpu.tss.esp1 = v.kernel_esp;
    x86::lgdt({gdt_limit, window_gdt(v.window)});
    load_ldt(v);
    load_int80_gate(v);
}

void reload_descriptor_tables(Vcpu &v)
{
    if (&v == this_cpu().current)
        load_descriptor_tables(v);
}

}  // namespace hv
