// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: the processor.
#pragma once
#include <concepts>
#include <context.hpp>  // arch/x86-common: Context, switch_context()
#include <cstdint>
#include <lib/addr.hpp>
#include <trap_frame.hpp>  // arch/x86-common: TrapFrame

namespace arch {
// clang-format off
template <class F>
concept FrameContract = requires(F f, F const c, unsigned i)
{
    {
        F::fresh_user(Vaddr{}, Vaddr{})
        } -> std::same_as<F>;  // exec: entry point, stack pointer
    { c.from_user() } -> std::same_as<bool>;
    { c.call_number() } -> std::same_as<std::uint32_t>;
    { c.call_arg(i) } -> std::same_as<std::uint32_t>;  // i: 0..5
    { c.call_result() } -> std::same_as<std::int32_t>;
    { f.set_call_result(-1) } -> std::same_as<void>;
    { f.restart_call() } -> std::same_as<void>;  // back to the instruction that made the call
    { c.ip() } -> std::same_as<Vaddr>;
    {
        f.set_ip(Vaddr{})
        } -> std::same_as<void>;
    { c.sp() } -> std::same_as<Vaddr>;
    {
        f.set_sp(Vaddr{})
        } -> std::same_as<void>;
};
// clang-format on
static_assert(FrameContract<TrapFrame>);

// One of the three user segments of set_thread_area(2): the raw descriptor, made by the kernel with lib/x86/descriptor.hpp.
inline constexpr unsigned tls_slots = 3;
inline constexpr unsigned first_tls_index = 6;  // GDT index of slot 0, as on a Linux i386 kernel: selector 0x33
struct TlsSegments {
    std::uint64_t descriptor[tls_slots];
};

void cpu_init();  // GDT, trap table, system-call gate, FPU
// What changes with the running thread: where the next entry from ring 3 lands, its TLS segments, and the FPU state. One call, so that
// a port can make it one hypercall. `fpu`: 512 bytes, 16-byte aligned, owned by the thread.
struct ThreadState {
    Vaddr kernel_stack_top;
    TlsSegments tls;
    alignas(16) std::uint8_t fpu[512];
    bool fpu_used;  // false: registers start from their reset state at first use
};
void switch_thread_state(ThreadState *from, ThreadState &to);  // from: nullptr when it is dead
void update_tls(ThreadState &);                                // of the running thread, after set_thread_area
void save_fpu(ThreadState &);     // running thread: fpu[] is current afterwards (fork, signal frames)
void discard_fpu(ThreadState &);  // running thread: reload from fpu[] at next use (sigreturn, exec)

[[noreturn]] void return_to_user(TrapFrame const &);  // first entry of a fresh thread; switches to its kernel stack
std::uint64_t cycles();
// A backtrace of the kernel stack from here (or from a trapped kernel frame) into the log, with symbols.
void log_backtrace(TrapFrame const *at = nullptr);
struct CpuIdentity {  // for /proc/cpuinfo and AT_HWCAP
    char vendor[13];
    char model_name[49];
    std::uint32_t family, model, stepping, features, features_ecx;
    std::uint32_t khz;
};
CpuIdentity const &cpu_identity();
}  // namespace arch
