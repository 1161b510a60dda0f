// SPDX-License-Identifier: MIT
#include <arch/cpu.hpp>
#include <arch/irq.hpp>
#include <early.hpp>
#include <traps.hpp>

namespace arch {
extern "C" [[noreturn]] void enter_user(TrapFrame const *from, TrapFrame *top_of_stack);  // entry.S

void return_to_user(TrapFrame const &frame)
{
    auto own = frame;
    leave(own);
    enter_user(&own, pointer_to<TrapFrame>(running_thread_state()->kernel_stack_top) - 1);
}
}  // namespace arch
