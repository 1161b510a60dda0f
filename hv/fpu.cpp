// SPDX-License-Identifier: MIT
// The floating-point and SSE registers of vCPUs: restored at first use, saved when another vCPU gets the processor.
// SDM Vol. 1 10.5 (FXSAVE), Vol. 3A 13.4. A program may read them only after they were loaded from its own state, so
// CR0.TS is set whenever they hold somebody else's.
//
// Restoring at first use lets code that a faulting processor runs ahead of the fault see old registers (LazyFP);
// docs/limits.md says so.
#include <cstring>
#include <hv/exception_table.hpp>
#include <hv/hypercall.hpp>
#include <hv/percpu.hpp>
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

void fpu_restore(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    x86::clts();
    if (cpu.fpu_owner == &v)
        return;
    if (!v.fpu_initialised)
        set_initial(v.fpu_state);
    v.fpu_initialised = true;
    if (!try_restore(v.fpu_state)) {  // a state that a toolstack set and the processor refuses
        set_initial(v.fpu_state);
        static_cast<void>(try_restore(v.fpu_state));
    }
    cpu.fpu_owner = &v;
    v.fpu_dirty = true;
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

void fpu_save(Vcpu &v)
{
    Cpu &cpu = this_cpu();
    if (cpu.fpu_owner == &v && v.fpu_dirty) {
        x86::clts();
        asm volatile("fxsave %0" : "=m"(*reinterpret_cast<std::uint8_t(*)[512]>(v.fpu_state)));
        v.fpu_dirty = false;
    }
    cpu.fpu_owner = nullptr;
    x86::set_ts();
}

bool fpu_device_not_available(Vcpu &v)
{
    fpu_restore(v);
    bool wanted = v.ts_virtual;
    v.ts_virtual = false;  // the guest's handler finds TS clear, as Xen has it
    return wanted;
}

void fpu_release(Vcpu &v)
{
    if (this_cpu().fpu_owner != &v)
        return;
    this_cpu().fpu_owner = nullptr;
    x86::set_ts();
}

std::int32_t do_fpu_taskswitch(std::uint32_t set)
{
    Vcpu &v = current();
    v.ts_virtual = set != 0;
    if (set)
        x86::set_ts();
    else
        fpu_restore(v);
    return 0;
}

}  // namespace hv
