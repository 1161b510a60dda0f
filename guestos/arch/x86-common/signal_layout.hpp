// SPDX-License-Identifier: MIT
// What a signal handler finds on its stack: the structures of Linux's i386 ABI. Sources: Linux uapi asm/sigcontext.h
// (_fpstate_32, sigcontext_32), asm/ucontext.h, asm/signal.h; sigreturn(2). tests/unit/arch compares them with the host's.
//
//   without SA_SIGINFO                        with SA_SIGINFO
//   +----------------------------+ <- 16-byte +----------------------------+
//   | FpuFrame (if the FPU is in |  aligned   | FpuFrame                   |
//   | use)                       |            +----------------------------+
//   +----------------------------+            | retcode                    |
//   | retcode                    |            | UserContext: flags, link,  |
//   | extramask: mask, bits 32-63|            |   stack, registers, mask   |
//   | a gap once for the FPU     |            | siginfo                    |
//   | SignalContext: registers   |            | &UserContext, &siginfo     |
//   | signal number              |            | signal number              |
//   | return address             | <- %esp -> | return address             |
//   +----------------------------+            +----------------------------+
#pragma once
#include <cstddef>
#include <cstdint>

namespace arch {
struct LegacyFpu {  // FSAVE's format, SDM Vol. 1, figure 8-10, then two words of Linux's
    std::uint32_t control, status, tag, ip, cs_opcode, data_offset, data_selector;
    std::uint8_t st[8][10];
    std::uint16_t status_copy, magic;  // magic 0: an FXSAVE image follows
};
struct FxImage {  // SDM Vol. 1, table 10-2
    std::uint16_t control, status;
    std::uint8_t tag, reserved;
    std::uint16_t opcode;
    std::uint32_t ip, cs, data_offset, data_selector, mxcsr, mxcsr_mask;
    std::uint8_t st[8][16], xmm[8][16], rest[224];
};
struct FpuFrame {
    LegacyFpu legacy;
    FxImage fx;
};
struct SignalContext {
    std::uint32_t gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax;
    std::uint32_t vector, error, eip, cs, eflags, esp_at_signal, ss;
    std::uint32_t fpu_frame;  // address of an FpuFrame, or 0
    std::uint32_t old_mask, cr2;
};
struct UserContext {
    std::uint32_t flags, link;
    std::uint32_t stack_base, stack_flags, stack_bytes;
    SignalContext registers;
    std::uint32_t mask[2];
};
struct SignalFrame {
    std::uint32_t return_address, number;
    SignalContext registers;
    std::uint8_t unused_fpu[sizeof(FpuFrame)];
    std::uint32_t extra_mask;
    std::uint8_t retcode[8];
};
struct RtSignalFrame {
    std::uint32_t return_address, number, siginfo_address, context_address;
    std::uint8_t siginfo[128];
    UserContext context;
    std::uint8_t retcode[8];
};
static_assert(sizeof(LegacyFpu) == 112 && sizeof(FxImage) == 512 && sizeof(FpuFrame) == 624);
static_assert(offsetof(FxImage, mxcsr) == 24 && offsetof(FxImage, xmm) == 160);
static_assert(sizeof(SignalContext) == 88 && offsetof(SignalContext, fpu_frame) == 76);
static_assert(sizeof(UserContext) == 116 && offsetof(UserContext, registers) == 20 && offsetof(UserContext, mask) == 108);
static_assert(sizeof(SignalFrame) == 732 && sizeof(RtSignalFrame) == 268);

// Between the two formats of the x87 registers; the SSE part has one format only.
LegacyFpu legacy_from_fx(FxImage const &);
void legacy_into_fx(LegacyFpu const &, FxImage &);
}  // namespace arch
