// SPDX-License-Identifier: MIT
// CONTRACT arch -> kernel: the doors into the kernel. Nothing else in kernel/ is called from arch/.
#pragma once
#include <arch/boot.hpp>
#include <arch/cpu.hpp>
#include <arch/irq.hpp>
#include <lib/panic.hpp>
#include <lib/result.hpp>

namespace kernel {
[[noreturn]] void main(arch::BootInfo const &);
void on_syscall(TrapFrame &);  // interrupts on
struct PageFaultFacts {
    Vaddr address;
    bool write, execute, user, present;
};
void on_page_fault(TrapFrame &, PageFaultFacts const &);
enum class Fault {
    divide,
    debug,
    breakpoint,
    overflow,
    bounds,
    invalid_opcode,
    segment,
    stack,
    protection,
    fpu,
    alignment,
    simd
};
void on_fault(TrapFrame &, Fault, std::uint32_t error_code);  // every other exception, from ring 3 or the kernel
void on_irq(arch::Line, TrapFrame &);                         // drivers' handlers; interrupts off
void on_timer(TrapFrame &);                                   // the deadline passed; interrupts off
void on_console_input();  // bytes wait in arch::console_read(), or there is room for output again; interrupts off
void before_return_to_user(TrapFrame &);  // last call on every way back to ring 3: signals, preemption; interrupts on
// Asked with interrupts off right before ring 3 is entered: did something come up meanwhile that before_return_to_user() must
// see (a signal, a wish to reschedule)? Cheap: it is on the path of every system call.
bool return_work_pending();
Result<Pfn> allocate_zeroed_frame();  // kernel/memory/frames.hpp: for page tables
void unref_frame(Pfn);
void log(char const *format, ...) __attribute__((format(printf, 1, 2)));  // kernel/log.hpp
}  // namespace kernel
