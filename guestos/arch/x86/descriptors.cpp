// SPDX-License-Identifier: MIT
// The GDT, the kernel stack that ring 3 enters on, and what else changes with the running thread.
#include <arch/cpu.hpp>
#include <cpu_tables.hpp>
#include <early.hpp>
#include <lib/x86/priv.hpp>
#include <segments.hpp>

namespace arch {
namespace {
constexpr unsigned gdt_entries = 17;
constexpr unsigned tss_index = 16;

// Intel SDM Vol. 3A, figure 8-2 "32-Bit Task-State Segment"; only the ring-0 stack is used.
struct TaskState {
    std::uint32_t link, esp0, ss0, unused[22];
    std::uint16_t trap, io_map_base;
};
static_assert(sizeof(TaskState) == 104);

constinit std::uint64_t gdt[gdt_entries]{};
// sysenter begins with the stack pointer at tss.esp0. One that a program single-steps into traps before it has gone on to the stack
// it finds there: room for that.
constinit struct {
    std::uint8_t room[1024];
    TaskState tss;
} task{};
constinit TaskState &tss = task.tss;
constinit ThreadState *running = nullptr;

void fill_gdt()
{
    auto segment = [](unsigned type, unsigned dpl) { return Descriptor::segment(0, segment_limit, type, dpl).raw(); };
    constexpr unsigned code = Descriptor::code | Descriptor::writable_or_readable | Descriptor::accessed;
    constexpr unsigned data = Descriptor::writable_or_readable | Descriptor::accessed;
    gdt[kernel_cs_index] = segment(code, kernel_ring);
    gdt[kernel_ds_index] = segment(data, kernel_ring);
    gdt[user_cs_index] = segment(code, 3);
    gdt[user_ds_index] = segment(data, 3);
}

// A selector loaded before its descriptor changed would keep the old segment: entry.S reloads what differs on the way out.
void forget_tls_selectors() { asm volatile("mov %0, %%fs\n\tmov %0, %%gs" ::"r"(0)); }

void put_tls(TlsSegments const &tls)
{
    for (unsigned i = 0; i < tls_slots; ++i)
        gdt[first_tls_index + i] = tls.descriptor[i];
}
}  // namespace

void descriptors_init()
{
    fill_gdt();
    tss.ss0 = kernel_ss.raw();
    tss.io_map_base = sizeof tss;
    gdt[tss_index] = Descriptor::tss(vaddr_of(&tss).raw(), sizeof tss - 1).raw();
    x86::lgdt({sizeof gdt - 1, vaddr_of(gdt).raw()});
    load_kernel_segments(kernel_cs.raw(), kernel_ss.raw());
    x86::ltr(Selector::gdt(tss_index, 0).raw());
    x86::lldt(0);
}

void switch_thread_state(ThreadState *from, ThreadState &to)
{
    fpu_switch(from, to);
    running = &to;
    if (to.kernel_stack_top == Vaddr{})  // never enters ring 3
        return;
    forget_tls_selectors();
    put_tls(to.tls);
    tss.esp0 = to.kernel_stack_top.raw();
}

void update_tls(ThreadState &state)
{
    forget_tls_selectors();
    put_tls(state.tls);
}

std::uint32_t *entry_stack() { return &tss.esp0; }

ThreadState *running_thread_state() { return running; }
}  // namespace arch
