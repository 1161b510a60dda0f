// SPDX-License-Identifier: MIT
// Layouts that programs see, against this machine's own headers; trap frames; ticks.
#include <arch/signal_frame.hpp>
#include <asm/sigcontext.h>
#include <catch2/catch.hpp>
#include <cstring>
#include <scale.hpp>
#include <signal_layout.hpp>
#include <trap_frame.hpp>

using namespace arch;

#define SAME_FIELD(ours, our_field, theirs, their_field) \
    CHECK(offsetof(ours, our_field) == offsetof(theirs, their_field))

TEST_CASE("sigcontext has Linux's layout")
{
    using Theirs = struct sigcontext_32;
    CHECK(sizeof(SignalContext) == sizeof(Theirs));
    SAME_FIELD(SignalContext, gs, Theirs, gs);
    SAME_FIELD(SignalContext, ds, Theirs, ds);
    SAME_FIELD(SignalContext, edi, Theirs, di);
    SAME_FIELD(SignalContext, eax, Theirs, ax);
    SAME_FIELD(SignalContext, vector, Theirs, trapno);
    SAME_FIELD(SignalContext, error, Theirs, err);
    SAME_FIELD(SignalContext, eip, Theirs, ip);
    SAME_FIELD(SignalContext, eflags, Theirs, flags);
    SAME_FIELD(SignalContext, esp_at_signal, Theirs, sp_at_signal);
    SAME_FIELD(SignalContext, ss, Theirs, ss);
    SAME_FIELD(SignalContext, fpu_frame, Theirs, fpstate);
    SAME_FIELD(SignalContext, old_mask, Theirs, oldmask);
    SAME_FIELD(SignalContext, cr2, Theirs, cr2);
}

TEST_CASE("the FPU's frame has Linux's layout")
{
    using Theirs = struct _fpstate_32;
    CHECK(sizeof(FpuFrame) == sizeof(Theirs));
    CHECK(offsetof(FpuFrame, legacy.st) == offsetof(Theirs, _st));
    CHECK(offsetof(FpuFrame, legacy.status_copy) == offsetof(Theirs, status));
    CHECK(offsetof(FpuFrame, legacy.magic) == offsetof(Theirs, magic));
    CHECK(offsetof(FpuFrame, fx) == offsetof(Theirs, _fxsr_env));
    CHECK(offsetof(FpuFrame, fx.mxcsr) == offsetof(Theirs, mxcsr));
    CHECK(offsetof(FpuFrame, fx.st) == offsetof(Theirs, _fxsr_st));
    CHECK(offsetof(FpuFrame, fx.xmm) == offsetof(Theirs, _xmm));
}

TEST_CASE("FXSAVE's and FSAVE's forms of the x87 registers convert into each other")
{
    alignas(16) FxImage fx{};
    long double values[] = {1.0L, 0.0L, -3.5L};
    asm volatile("fninit; fldt %1; fldt %2; fldt %3; fxsave %0; fninit"
                 : "=m"(fx)
                 : "m"(values[0]), "m"(values[1]), "m"(values[2]));
    auto legacy = legacy_from_fx(fx);
    struct {
        std::uint32_t control, status, tag, rest[4];
        std::uint8_t st[8][10];
    } native;
    asm volatile("fninit; fldt %1; fldt %2; fldt %3; fnsave %0"
                 : "=m"(native)
                 : "m"(values[0]), "m"(values[1]), "m"(values[2]));
    CHECK((legacy.tag & 0xffff) == (native.tag & 0xffff));
    CHECK((legacy.status & 0xffff) == (native.status & 0xffff));
    CHECK((legacy.control & 0xffff) == (native.control & 0xffff));
    CHECK(std::memcmp(legacy.st, native.st, 30) == 0);
    FxImage back = fx;
    back.control = back.status = 0, back.tag = 0;
    std::memset(back.st, 0, sizeof back.st);
    legacy_into_fx(legacy, back);
    CHECK(back.control == fx.control);
    CHECK(back.status == fx.status);
    CHECK(back.tag == fx.tag);
    CHECK(std::memcmp(back.st[0], fx.st[0], 10) == 0);
}

TEST_CASE("a trap frame tells rings apart and gives a call's arguments")
{
    auto f = TrapFrame::fresh_user(Vaddr{0x0804'8000}, Vaddr{0xbfff'f000});
    CHECK(f.from_user());
    CHECK(f.interrupts_were_on());
    CHECK(f.ip() == Vaddr{0x0804'8000});
    CHECK(f.sp() == Vaddr{0xbfff'f000});
    CHECK((f.cs & 3) == 3);
    for (std::uint32_t cs : {0x60u, 0x61u, 0x0001'0061u}) {
        f.cs = cs;
        CHECK_FALSE(f.from_user());
    }
    f.error = f.eax = 3;
    f.ebx = 10, f.ecx = 11, f.edx = 12, f.esi = 13, f.edi = 14, f.ebp = 15;
    for (unsigned i = 0; i < 6; ++i)
        CHECK(f.call_arg(i) == 10 + i);
    f.set_call_result(-4);
    CHECK(f.call_result() == -4);
    CHECK(f.call_number() == 3);
    f.restart_call();
    CHECK(f.eax == 3);
    CHECK(f.ip() == Vaddr{0x0804'7ffe});
}

TEST_CASE("ticks become nanoseconds without losing more than one in a million")
{
    for (std::uint64_t hz : {100'000'000ull, 999'999'999ull, 1'000'000'000ull, 2'596'146'000ull, 5'200'000'000ull}) {
        auto scale = TickScale::of_hz(hz);
        auto ns = scale.ns(hz * 1000);
        CHECK(ns <= 1'000'000'000'000ull);
        CHECK(ns >= 999'999'000'000ull);
        CHECK(scale.khz() / 10 >= hz / 10'000 - 1);
        CHECK(scale.khz() / 10 <= hz / 10'000 + 1);
    }
}
