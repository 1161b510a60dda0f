// SPDX-License-Identifier: MIT
// The FPU, lazily: its registers keep the state of the thread that used them last, and the first use by another traps.
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
}  // namespace

void fpu_init()
{
    FpuAccess::forbid();
    FpuAccess::commit();
}

void fpu_trap()
{
    FpuAccess::trapped();
    auto &mine = *running_thread_state();
    if (owner == &mine)
        return;
    if (owner)
        save(*owner);
    owner = nullptr;
    load(mine);
    owner = &mine;
}

void fpu_switch(ThreadState *from, ThreadState &to)
{
    if (!from && owner == running_thread_state())
        owner = nullptr;  // the dead thread's registers are nobody's
    if (to.kernel_stack_top == Vaddr{})
        return;  // never enters ring 3
    if (owner == &to)
        FpuAccess::allow();
    else
        FpuAccess::forbid();
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
