// SPDX-License-Identifier: MIT
// The GDT, the kernel stack that ring 3 enters on, and what else changes with the running thread.
#include <arch/cpu.hpp>
#include <arch/mmu.hpp>
#include <cpu_tables.hpp>
#include <early.hpp>
#include <lib/panic.hpp>
#include <pvlib/multicall.hpp>
#include <segments.hpp>

namespace arch {
namespace {
constexpr unsigned gdt_entries = 16;

// Read-only once it is the GDT, and a page of its own therefore.
alignas(page_size) constinit std::uint64_t gdt[page_size / 8]{};
constinit ThreadState *running = nullptr;
constinit Vaddr kernel_stack{};  // as the hypervisor knows it, or will with the deferred calls

void fill_gdt()
{
    auto segment = [](unsigned type, unsigned dpl) { return Descriptor::segment(0, segment_limit, type, dpl).raw(); };
    constexpr unsigned code = Descriptor::code | Descriptor::writable_or_readable | Descriptor::accessed;
    constexpr unsigned data = Descriptor::writable_or_readable | Descriptor::accessed;
    gdt[user_cs_index] = segment(code, 3);
    gdt[user_ds_index] = segment(data, 3);
}

Mfn gdt_frame() { return Mmu::to_machine(Pfn{(vaddr_of(gdt) - linear_base) >> page_shift}); }

// A selector loaded before its descriptor changed would keep the old segment: entry.S reloads what differs on the way out.
void forget_tls_selectors() { asm volatile("mov %0, %%fs\n\tmov %0, %%gs" ::"r"(0)); }

void put_tls(pv::Multicall &calls, TlsSegments const &tls)
{
    static constinit std::uint64_t current[tls_slots]{};
    for (unsigned i = 0; i < tls_slots; ++i) {
        if (current[i] == tls.descriptor[i])
            continue;
        current[i] = tls.descriptor[i];
        calls.update_descriptor(to_maddr(gdt_frame(), (first_tls_index + i) * 8), current[i]);
    }
}
}  // namespace

void descriptors_init()
{
    fill_gdt();
    auto frame = gdt_frame();
    auto read_only = pv::update_va_mapping(vaddr_of(gdt), Pte{frame, Pte::P | Mmu::no_execute()}, UVMF_INVLPG);
    auto raw = frame.raw();
    auto installed = read_only.ok() ? pv::set_gdt(&raw, gdt_entries) : read_only;
    if (!installed.ok())
        panic("the hypervisor refuses the GDT: error %d", to_errno(installed));
    load_kernel_segments(kernel_cs.raw(), kernel_ss.raw());
}

// All that changes waits for the address space to change too: one multicall.
void switch_thread_state(ThreadState *from, ThreadState &to)
{
    fpu_switch(from, to);
    running = &to;
    if (to.kernel_stack_top == Vaddr{})  // never enters ring 3
        return;
    forget_tls_selectors();
    auto &calls = pv::deferred_calls();
    put_tls(calls, to.tls);
    if (kernel_stack != to.kernel_stack_top)
        calls.add(__HYPERVISOR_stack_switch, kernel_ss.raw(), to.kernel_stack_top.raw());
    kernel_stack = to.kernel_stack_top;
}

void update_tls(ThreadState &state)
{
    forget_tls_selectors();
    auto &calls = pv::deferred_calls();
    put_tls(calls, state.tls);
    calls.commit().take();
}

ThreadState *running_thread_state() { return running; }
}  // namespace arch
