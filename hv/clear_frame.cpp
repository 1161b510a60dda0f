// SPDX-License-Identifier: MIT
// A page is cleared by stores of 16 bytes: an emulator takes each in the time of one of four, and a new domain begins with
// all its memory cleared. This is the one place where ring 0 uses an SSE register, which holds somebody's value (fpu.cpp):
// interrupts are off, and both the register and CR0.TS are afterwards what they were.
#include <hv/frames.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
constexpr std::uint32_t task_switched = 1u << 3;  // CR0.TS

void clear_frame(void *page)
{
    std::uint32_t const cr0 = x86::read_cr0();
    std::uint8_t saved[16];
    auto at = static_cast<std::uint8_t *>(page), end = at + page_size;
    x86::clts();
    asm volatile("movups %%xmm0, %[saved]\n\t"
                 "xorps %%xmm0, %%xmm0\n"
                 "1:\tmovaps %%xmm0, (%[at])\n\t"
                 "movaps %%xmm0, 16(%[at])\n\t"
                 "movaps %%xmm0, 32(%[at])\n\t"
                 "movaps %%xmm0, 48(%[at])\n\t"
                 "add $64, %[at]\n\t"
                 "cmp %[end], %[at]\n\t"
                 "jne 1b\n\t"
                 "movups %[saved], %%xmm0"
                 : [at] "+r"(at), [saved] "=m"(saved)
                 : [end] "r"(end)
                 : "memory", "cc");
    if (cr0 & task_switched)
        x86::set_ts();
}
}  // namespace hv
