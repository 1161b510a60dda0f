// SPDX-License-Identifier: MIT
// Switching between kernel stacks: the registers a C++ function must preserve, and nothing else. No privileged instruction.
#pragma once
#include <cstdint>

namespace arch {
struct Context {  // at the stack pointer of a thread that does not run; switch.S pushes it
    std::uint32_t edi, esi, ebx, ebp, eip;
};
static_assert(sizeof(Context) == 20);

// Saves the running stack in *save and continues on `load`. Interrupts off.
extern "C" void switch_context(Context **save, Context *load);
// A context that calls entry(argument) on the stack ending at stack_top; entry never returns. It starts with interrupts off.
Context *fresh_context(void *stack_top, void (*entry)(void *), void *argument);
}  // namespace arch
