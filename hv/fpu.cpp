// SPDX-License-Identifier: MIT
// The floating-point and SSE registers of vCPUs, SDM Vol. 1 10.5 (FXSAVE), Vol. 3A 13.4.
//
// THE INVARIANT: while a vCPU has the processor, the registers are its own. They are saved and loaded when it changes hands, not at a first
// use: what is somebody else's and only hidden by CR0.TS, code that a processor runs ahead of the fault may see (LazyFP, XSA-267).
// CR0.TS is the guest's alone.
#include <cstring>
#include <hv/exception_table.hpp>
#include <hv/hypercall.hpp>
#include <hv/trap.hpp>
#include <lib/panic.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>

namespace hv {
namespace {

constexpr std::uint32_t cpuid_fxsr = 1u << 24, cpuid_sse = 1u << 25;
constexpr std::uint16_t initial_fcw = 0x037f;
constexpr std::uint32_t initial_mxcsr = 0x1f80;
constexpr unsigned mxcsr_offset = 24;

// FNINIT alone would leave the SSE registers and the data pointers of whoever ran before.
void set_initial(std::uint8_t *state)
{
    std::memset(state, 0, 512);
    std::memcpy(state, &initial_fcw, sizeof initial_fcw);
    std::memcpy(state + mxcsr_offset, &initial_mxcsr, sizeof initial_mxcsr);
}

bool try_restore(std::uint8_t const *state)
{
    std::uint32_t failed = 1;
    // AMD leaves the last-instruction pointers alone when no exception is pending: clear them by a harmless load first.
    asm volatile("fnclex\n\tfildl %1\n"
                 "1:\tfxrstor %2\n\txor %0, %0\n"
                 "2:\n\t" HV_EX_TABLE("1b", "2b")
                 : "+r"(failed)
                 : "m"(initial_mxcsr), "m"(*reinterpret_cast<std::uint8_t const(*)[512]>(state)));
    return !failed;
}

}  // namespace

void fpu_init()
{
    std::uint32_t features = x86::cpuid(1).edx;
    if (!(features & cpuid_fxsr) || !(features & cpuid_sse))
        panic("this processor has no FXSAVE and SSE");
    x86::write_cr4(x86::read_cr4() | x86::CR4_OSFXSR | x86::CR4_OSXMMEXCPT);
    x86::set_ts();
}

void fpu_reset(Vcpu &v) { set_initial(v.fpu_state); }

void fpu_load(Vcpu &v)
{
    x86::clts();
    if (!try_restore(v.fpu_state)) {  // a state that a toolstack set and the processor refuses
        fpu_reset(v);
        static_cast<void>(try_restore(v.fpu_state));
    }
    if (v.ts_virtual)
        x86::set_ts();
}

void fpu_save(Vcpu &v)
{
    x86::clts();
    asm volatile("fxsave %0" : "=m"(*reinterpret_cast<std::uint8_t(*)[512]>(v.fpu_state)));
}

void fpu_device_not_available(Vcpu &v)
{
    v.ts_virtual = false;  // the guest's handler finds TS clear, as Xen has it
    x86::clts();
    inject_exception(v, x86::NM, 0);
}

std::int32_t do_fpu_taskswitch(std::uint32_t set)
{
    current().ts_virtual = set != 0;
    if (set)
        x86::set_ts();
    else
        x86::clts();
    return 0;
}

}  // namespace hv
