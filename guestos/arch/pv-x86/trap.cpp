// SPDX-License-Identifier: MIT
// The trap table, and where each trap goes.
#include <arch/mmu.hpp>
#include <arch/upcalls.hpp>
#include <cpu_tables.hpp>
#include <early.hpp>
#include <lib/panic.hpp>
#include <pvlib/hypercall.hpp>
#include <pvlib/shared.hpp>
#include <segments.hpp>
#include <traps.hpp>

namespace arch {
extern "C" void failsafe_entry();  // entry.S

namespace {
constexpr unsigned exceptions = 20;
constinit trap_info trap_table[exceptions + 2]{};  // the last stays empty and ends it

std::uint32_t stub(unsigned vector) { return vaddr_of(trap_stubs).raw() + vector * trap_stub_bytes; }

trap_info gate(unsigned vector, std::uint32_t handler, unsigned dpl, bool masks_events)
{
    return {static_cast<std::uint8_t>(vector), static_cast<std::uint8_t>(dpl | (masks_events ? 4 : 0)), kernel_cs.raw(),
            handler};
}

// The fault is a leftover of a read-only entry in the TLB: a page table became plain memory again.
bool is_stale(TrapFrame const &frame, Vaddr address)
{
    if (frame.vector != x86::PF_ || frame.from_user() || address < linear_base || address >= linear_end)
        return false;
    bool write_to_present = (frame.error & (x86::PFEC_P | x86::PFEC_W)) == (x86::PFEC_P | x86::PFEC_W);
    return write_to_present && Mmu::kernel_slot(address)->has(Pte::P | Pte::RW);
}
}  // namespace

// Programs may raise breakpoint, overflow and the system call themselves. All but the system call are entered with
// interrupts off.
void traps_init()
{
    for (unsigned v = 0; v < exceptions; ++v)
        trap_table[v] = gate(v, stub(v), user_may_raise(v) ? 3 : 0, true);
    auto syscall = vaddr_of(reinterpret_cast<void const *>(&syscall_entry)).raw();
    trap_table[exceptions] = gate(syscall_vector, syscall, 3, false);
    auto failsafe = vaddr_of(reinterpret_cast<void const *>(&failsafe_entry)).raw();
    auto cs = kernel_cs.raw();
    auto r = pv::set_trap_table(trap_table);
    if (r.ok())
        r = pv::set_callbacks(cs, stub(first_irq_vector), cs, failsafe);
    if (!r.ok())
        panic("the hypervisor refuses the trap table: error %d", to_errno(r));
}

// sysenter would lead into ring 0; int 0x80 comes to us without it.
bool fast_call_init() { return false; }

extern "C" TrapFrame *trap_entry(TrapFrame *frame)
{
    frame = outer_frame(frame);
    auto fault_address = pv::vcpu().arch.cr2;
    if (is_stale(*frame, Vaddr{fault_address}))
        return frame;
    if (frame->vector < first_irq_vector)
        handle_exception(*frame, fault_address);
    else
        irq_dispatch(*frame);
    leave(*frame);
    return frame;
}
}  // namespace arch
