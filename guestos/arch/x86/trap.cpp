// SPDX-License-Identifier: MIT
// The trap table, and where each trap goes.
#include <arch/upcalls.hpp>
#include <cpu_tables.hpp>
#include <early.hpp>
#include <lib/x86/descriptor.hpp>
#include <lib/x86/priv.hpp>
#include <segments.hpp>
#include <traps.hpp>

namespace arch {
namespace {
constexpr unsigned vectors = 0x81;
constinit std::uint64_t idt[vectors]{};

std::uint32_t stub(unsigned vector) { return vaddr_of(trap_stubs).raw() + vector * trap_stub_bytes; }
}  // namespace

// Programs may raise breakpoint, overflow and the system call themselves. All but the system call are entered with
// interrupts off.
void traps_init()
{
    using System = Descriptor::System;
    for (unsigned v = 0; v < trap_vectors; ++v)
        idt[v] = Descriptor::gate(System::interrupt_gate32, kernel_cs, stub(v), user_may_raise(v) ? 3 : 0).raw();
    auto syscall = vaddr_of(reinterpret_cast<void const *>(&syscall_entry)).raw();
    idt[syscall_vector] = Descriptor::gate(System::trap_gate32, kernel_cs, syscall, 3).raw();
    x86::lidt({sizeof idt - 1, vaddr_of(idt).raw()});
}

extern "C" TrapFrame *trap_entry(TrapFrame *frame)
{
    frame = outer_frame(frame);
    if (frame->vector < first_irq_vector)
        handle_exception(*frame, x86::read_cr2());
    else
        irq_dispatch(*frame);
    leave(*frame);
    return frame;
}
}  // namespace arch
