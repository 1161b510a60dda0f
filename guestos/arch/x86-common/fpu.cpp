// SPDX-License-Identifier: MIT
// The FPU. A thread's first use traps; from then on its state is loaded when it is switched to, unless the registers still hold it.
// That costs less than a trap, and CR0.TS mostly stays clear: setting and clearing it is a hypercall in ring 1, and under an emulator,
// which keeps translated code for each of the two, dear in any ring.
#include <arch/cpu.hpp>
#include <early.hpp>
#include <fpu_impl.hpp>  // arch/$(ARCH): FpuAccess

namespace arch {
namespace {
constinit ThreadState *owner = nullptr;  // whose state is in the registers; nullptr: nobody's
constexpr std::uint32_t mxcsr_reset = 0x1f80;

void load(ThreadState &state)
{
    if (state.fpu_used) {
        asm volatile("fxrstor %0" ::"m"(state.fpu));
        return;
    }
    asm volatile("fninit\n\tldmxcsr %0" ::"m"(mxcsr_reset));
    state.fpu_used = true;
}

void save(ThreadState &state) { asm volatile("fxsave %0" : "=m"(state.fpu)); }

[[gnu::noinline]] void take_over(ThreadState &state)
{
    if (owner == &state)
        return;
    if (owner)
        save(*owner);
    owner = nullptr;
    load(state);
    owner = &state;
}
}  // namespace

void fpu_init()
{
    FpuAccess::forbid();
    FpuAccess::commit();
}

void fpu_trap()
{
    FpuAccess::trapped();
    take_over(*running_thread_state());
}

void fpu_switch(ThreadState *from, ThreadState &to)
{
    if (!from && owner == running_thread_state())
        owner = nullptr;  // the dead thread's registers are nobody's
    if (to.kernel_stack_top == Vaddr{})
        return;  // never enters ring 3
    if (!to.fpu_used) {
        FpuAccess::forbid();
        return;
    }
    FpuAccess::allow();
    FpuAccess::commit();
    take_over(to);
}

void save_fpu(ThreadState &state)
{
    if (owner != &state)
        return;
    FpuAccess::allow();
    FpuAccess::commit();
    save(state);
}

void discard_fpu(ThreadState &state)
{
    if (owner == &state)
        owner = nullptr;
    if (&state != running_thread_state())
        return;
    FpuAccess::forbid();
    FpuAccess::commit();
}
}  // namespace arch
