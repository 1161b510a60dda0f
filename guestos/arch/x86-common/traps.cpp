// SPDX-License-Identifier: MIT
#include <arch/upcalls.hpp>
#include <arch/user_copy.hpp>
#include <cpu_tables.hpp>
#include <cstring>
#include <early.hpp>
#include <traps.hpp>

namespace arch {
namespace {
using kernel::Fault;

// Vectors without an entry of their own mean a broken machine or a broken kernel.
bool fault_of(unsigned vector, Fault &out)
{
    switch (vector) {
    case x86::DE: out = Fault::divide; return true;
    case x86::DB: out = Fault::debug; return true;
    case x86::BP: out = Fault::breakpoint; return true;
    case x86::OF_: out = Fault::overflow; return true;
    case x86::BR: out = Fault::bounds; return true;
    case x86::UD: out = Fault::invalid_opcode; return true;
    case x86::TS:
    case x86::NP: out = Fault::segment; return true;
    case x86::SS: out = Fault::stack; return true;
    case x86::GP: out = Fault::protection; return true;
    case x86::MF: out = Fault::fpu; return true;
    case x86::AC_: out = Fault::alignment; return true;
    case x86::XM: out = Fault::simd; return true;
    default: return false;
    }
}

[[noreturn]] void unexpected(TrapFrame const &frame, std::uint32_t address)
{
    log_backtrace(&frame);
    panic("unexpected exception %u, error %#x, at %#x, address %#x", frame.vector, frame.error, frame.eip, address);
}

// The kernel's own faults with a remedy: a selector that cannot be loaded on the way to ring 3.
bool fixed_up(TrapFrame &frame)
{
    auto target = find_fixup(frame.ip());
    if (target == Vaddr{})
        return false;
    frame.set_ip(target);
    return true;
}

kernel::PageFaultFacts page_fault_facts(TrapFrame const &frame, std::uint32_t address)
{
    auto e = frame.error;
    return {Vaddr{address}, (e & x86::PFEC_W) != 0, (e & x86::PFEC_I) != 0, frame.from_user(), (e & x86::PFEC_P) != 0};
}
}  // namespace

TrapFrame *outer_frame(TrapFrame *frame)
{
    auto ip = frame->ip();
    if (frame->from_user() || ip < vaddr_of(return_window) || ip >= vaddr_of(return_window_end))
        return frame;
    constexpr auto dropped = 3 * sizeof(std::uint32_t);
    auto outer = reinterpret_cast<TrapFrame *>(reinterpret_cast<char *>(frame) + dropped);
    std::memmove(outer, frame, offsetof(TrapFrame, eip));
    return outer;
}

void handle_exception(TrapFrame &frame, std::uint32_t fault_address)
{
    if (frame.vector == x86::NM) {
        fpu_trap();
        return;
    }
    if (frame.interrupts_were_on())
        IrqFlags::enable();
    Fault fault;
    if (frame.vector == x86::PF_)
        kernel::on_page_fault(frame, page_fault_facts(frame, fault_address));
    else if (!frame.from_user() && fixed_up(frame))
        return;
    else if (fault_of(frame.vector, fault))
        kernel::on_fault(frame, fault, frame.error);
    else
        unexpected(frame, fault_address);
}

namespace {
[[gnu::noinline]] void leave_once_more(TrapFrame &frame)
{
    IrqFlags::enable();
    kernel::before_return_to_user(frame);
    IrqFlags::disable();
}

// Interrupts are on, and off afterwards.
void leave_to_user(TrapFrame &frame)
{
    kernel::before_return_to_user(frame);
    IrqFlags::disable();
    while (kernel::return_work_pending())
        [[unlikely]] leave_once_more(frame);
}
}  // namespace

void leave(TrapFrame &frame)
{
    if (!frame.from_user()) {
        IrqFlags::disable();
        return;
    }
    IrqFlags::enable();
    leave_to_user(frame);
}

extern "C" TrapFrame *syscall_dispatch(TrapFrame *frame)
{
    kernel::on_syscall(*frame);
    leave_to_user(*frame);
    return frame;
}

void cpu_init()
{
    descriptors_init();
    traps_init();
    fpu_init();
}
}  // namespace arch
