// SPDX-License-Identifier: MIT
// What a signal handler finds on its stack, and that the way back restores every register.
#include "kernel_side.hpp"
#include <arch/cpu.hpp>
#include <arch/signal_frame.hpp>
#include <catch2/catch.hpp>
#include <cstring>
#include <signal_layout.hpp>

using namespace arch;

namespace {
constexpr Vaddr stack_base{0xbff0'0000};
constexpr std::size_t stack_bytes = 0x10000;
constexpr std::uint32_t sa_siginfo = 4, sa_restorer = 0x0400'0000, sa_onstack = 0x0800'0000;

TrapFrame busy_frame()
{
    auto f = TrapFrame::fresh_user(Vaddr{0x0804'9123}, stack_base + 0x8004);
    f.eax = 1, f.ebx = 2, f.ecx = 3, f.edx = 4, f.esi = 5, f.edi = 6, f.ebp = 7;
    f.gs = 0x33;
    f.eflags |= x86::DF | x86::CF;
    return f;
}

SignalDelivery delivery(std::uint32_t flags, void const *siginfo)
{
    SignalDelivery d{};
    d.number = 10;
    d.handler = Vaddr{0x0805'0000};
    d.restorer = Vaddr{0x0806'0000};
    d.flags = flags | sa_restorer;
    d.siginfo = siginfo;
    d.old_mask = 0x1234'5678'9abc'def0;
    return d;
}

template <class T>
T read_user(Vaddr v)
{
    T t;
    std::memcpy(&t, UserMemory::at(v), sizeof t);
    return t;
}

bool same_registers(TrapFrame const &a, TrapFrame const &b)
{
    return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx && a.esi == b.esi && a.edi == b.edi
        && a.ebp == b.ebp && a.esp == b.esp && a.eip == b.eip && a.eflags == b.eflags
        && (a.gs & 0xffff) == (b.gs & 0xffff) && a.cs == b.cs && a.ss == b.ss;
}
}  // namespace

TEST_CASE("there and back, plain and rt, without and with an FPU")
{
    auto rt = GENERATE(false, true);
    auto fpu = GENERATE(false, true);
    UserMemory::reset(stack_base, stack_bytes);
    static ThreadState thread{};
    thread.fpu_used = fpu;
    FxImage fx{};
    fx.control = 0x37f, fx.mxcsr = 0x1f80, fx.xmm[3][5] = 42;
    std::memcpy(thread.fpu, &fx, sizeof fx);
    std::uint8_t siginfo[128] = {10};

    auto frame = busy_frame();
    auto before = frame;
    REQUIRE(push_signal_frame(frame, thread, delivery(rt ? sa_siginfo : 0, siginfo)).ok());
    CHECK(frame.ip() == Vaddr{0x0805'0000});
    CHECK((frame.sp().raw() + 4) % 16 == 0);  // as after a call
    CHECK((frame.eflags & x86::DF) == 0);
    CHECK((frame.gs & 0xffff) == 0x33);
    CHECK(read_user<std::uint32_t>(frame.sp()) == 0x0806'0000);
    CHECK(read_user<std::uint32_t>(frame.sp() + 4) == 10);
    CHECK(frame.eax == 10);

    // The handler returns, and the restorer's code has run.
    frame.set_sp(frame.sp() + (rt ? 4u : 8u));
    frame.eax = 0xdead, frame.ebx = 0xdead, frame.gs = 0;
    std::memset(thread.fpu, 0xee, sizeof thread.fpu);
    SignalReturn back;
    REQUIRE(pop_signal_frame(frame, thread, rt, back).ok());
    CHECK(same_registers(frame, before));
    CHECK(back.mask == 0x1234'5678'9abc'def0);
    CHECK(back.has_stack == rt);
    CHECK(thread.fpu_used == fpu);
    if (fpu)
        CHECK(thread.fpu[160 + 3 * 16 + 5] == 42);
}

TEST_CASE("the rt frame's pointers point into it")
{
    UserMemory::reset(stack_base, stack_bytes);
    static ThreadState thread{};
    std::uint8_t siginfo[128] = {10, 0, 0, 0, 77};
    auto frame = busy_frame();
    REQUIRE(push_signal_frame(frame, thread, delivery(sa_siginfo, siginfo)).ok());
    auto info = read_user<std::uint32_t>(frame.sp() + 8), context = read_user<std::uint32_t>(frame.sp() + 12);
    CHECK(frame.edx == info);
    CHECK(frame.ecx == context);
    CHECK(*UserMemory::at(Vaddr{info} + 4) == 77);
    auto c = read_user<UserContext>(Vaddr{context});
    CHECK(c.registers.eip == 0x0804'9123);
    CHECK(c.mask[0] == 0x9abc'def0);
    CHECK(c.mask[1] == 0x1234'5678);
}

TEST_CASE("the alternate stack is used once, and refused when full")
{
    UserMemory::reset(stack_base, stack_bytes);
    static ThreadState thread{};
    std::uint8_t siginfo[128] = {};
    auto d = delivery(sa_siginfo | sa_onstack, siginfo);
    d.alternate = {stack_base.raw(), 0x800, 0};
    auto frame = busy_frame();
    REQUIRE(push_signal_frame(frame, thread, d).ok());
    CHECK(frame.sp() < stack_base + 0x800);
    auto first = frame.sp();
    REQUIRE(push_signal_frame(frame, thread, d).ok());  // nested: goes on below
    CHECK(frame.sp() < first);
    Result<> last{};
    for (int i = 0; i < 10 && last.ok(); ++i)
        last = push_signal_frame(frame, thread, d);
    CHECK(last.error() == Error::fault);
}

TEST_CASE("a stack that cannot be written, a frame that cannot be read")
{
    UserMemory::reset(stack_base, stack_bytes);
    static ThreadState thread{};
    std::uint8_t siginfo[128] = {};
    for (auto sp : {0u, 8u, 0x1000u, 0xffff'fffcu, 0xc000'0000u, 0xc000'0010u}) {
        auto frame = busy_frame();
        frame.set_sp(Vaddr{sp});
        CHECK(push_signal_frame(frame, thread, delivery(sa_siginfo, siginfo)).error() == Error::fault);
        SignalReturn back;
        CHECK(pop_signal_frame(frame, thread, true, back).error() == Error::fault);
        CHECK(pop_signal_frame(frame, thread, false, back).error() == Error::fault);
    }
}

TEST_CASE("a forged frame gains nothing")
{
    UserMemory::reset(stack_base, stack_bytes);
    static ThreadState thread{};
    RtSignalFrame forged{};
    forged.context.registers.cs = 0x60, forged.context.registers.ss = 0x68, forged.context.registers.ds = 0x68;
    forged.context.registers.eflags = ~0u;
    auto frame = busy_frame();
    std::memcpy(UserMemory::at(frame.sp() - 4), &forged, sizeof forged);
    SignalReturn back;
    REQUIRE(pop_signal_frame(frame, thread, true, back).ok());
    CHECK(frame.from_user());
    CHECK(frame.cs == user_cs);
    CHECK((frame.ds & 3) == 3);
    CHECK((frame.eflags & (x86::IOPL | x86::NT | x86::VM | x86::VIF)) == 0);
    CHECK((frame.eflags & x86::IF) != 0);
}
