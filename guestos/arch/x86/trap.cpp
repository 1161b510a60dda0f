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

namespace {
constexpr std::uint32_t sysenter_cs = 0x174, sysenter_esp = 0x175, sysenter_eip = 0x176;
constexpr std::uint32_t cpuid_sep = 1u << 11;
constinit bool stepped_into_kernel = false;

// A program single-steps through sysenter: the trap comes when the kernel is in already, and is meant for after the call.
bool is_step_into_kernel(TrapFrame &frame)
{
    if (frame.vector != x86::DB || frame.ip() != vaddr_of(reinterpret_cast<void const *>(&sysenter_entry)))
        return false;
    stepped_into_kernel = (frame.eflags & x86::TF) != 0;
    frame.eflags &= ~std::uint32_t{x86::TF};
    return true;
}

bool read_user_word(std::uint32_t address, std::uint32_t &word)
{
    if (address > user_limit.raw() - sizeof word)
        return false;
    bool good = true;
    asm volatile("1: mov (%2), %0\n"
                 "2:\n\t"
                 ".pushsection .text.fixup, \"ax\", @progbits\n"
                 "3: xor %1, %1\n\t"
                 "jmp 2b\n\t"
                 ".popsection\n\t"
                 ".pushsection .fixups, \"a\", @progbits\n\t"
                 ".long 1b, 3b\n\t"
                 ".popsection"
                 : "=r"(word), "+q"(good)
                 : "r"(address)
                 : "cc");
    return good;
}
}  // namespace

// Intel SDM Vol. 2B, SYSENTER: kernel_ss is the descriptor behind kernel_cs; user_cs and user_ds, which sysexit loads, are the next two.
bool fast_call_init()
{
    static_assert(kernel_ds_index == kernel_cs_index + 1 && user_cs_index == kernel_cs_index + 2
                  && user_ds_index == kernel_cs_index + 3);
    if (!(x86::cpuid(1).edx & cpuid_sep))
        return false;
    x86::wrmsr(sysenter_cs, kernel_cs.raw());
    x86::wrmsr(sysenter_esp, vaddr_of(entry_stack()).raw());
    x86::wrmsr(sysenter_eip, vaddr_of(reinterpret_cast<void const *>(&sysenter_entry)).raw());
    return true;
}

// The sixth argument lies where the program's stack pointer points; one that lies elsewhere is its fault.
extern "C" TrapFrame *sysenter_dispatch(TrapFrame *frame)
{
    if (stepped_into_kernel)
        frame->eflags |= x86::TF;
    stepped_into_kernel = false;
    IrqFlags::enable();
    if (read_user_word(frame->esp, frame->ebp))
        kernel::on_syscall(*frame);
    else
        frame->set_call_result(-static_cast<std::int32_t>(Error::fault));
    leave(*frame);
    return frame;
}

extern "C" TrapFrame *trap_entry(TrapFrame *frame)
{
    frame = outer_frame(frame);
    if (is_step_into_kernel(*frame))
        return frame;
    if (frame->vector < first_irq_vector)
        handle_exception(*frame, x86::read_cr2());
    else
        irq_dispatch(*frame);
    leave(*frame);
    return frame;
}
}  // namespace arch
