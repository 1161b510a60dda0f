// SPDX-License-Identifier: MIT
// What happens on each vector. SDM Vol. 3A chapter 6 "Interrupt and Exception Handling".
#include <cstring>
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/exception_table.hpp>
#include <hv/log.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/schedule.hpp>
#include <hv/tlb.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>

extern "C" {
extern hv::ExceptionEntry const __start_ex_table[], __stop_ex_table[];
extern std::uint8_t const guest_segments_begin[], guest_segments_end[], guest_iret[];
void trap_from_guest(hv::GuestRegs &regs);
void trap_from_ring0(hv::GuestRegs &regs);
hv::GuestRegs *prepare_return();
}

namespace hv {
namespace {

// Error code of a fault that a gate or selector caused, SDM 6.13.
constexpr std::uint32_t error_in_idt = 2;
constexpr std::uint32_t error_in_ldt = 4;

std::uint32_t address_of(std::uint8_t const *label)
{
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(label));
}

std::uint32_t read_and_clear_dr6()
{
    std::uint32_t dr6;
    asm volatile("mov %%dr6, %0\n\tmov %1, %%dr6" : "=&r"(dr6) : "r"(0xffff'0ff0u));
    return dr6;
}

// A selector whose descriptor lies in an unmapped page of the vCPU's tables: the processor says "page fault", the
// guest is told what it would have been told of a table that ends before that selector.
void descriptor_page_fault(Vcpu &v, std::uint32_t address)
{
    if (map_ldt_page(v, address))
        return;
    bool ldt = address >= window_ldt(v.window);
    std::uint32_t offset = address - (ldt ? window_ldt(v.window) : window_gdt(v.window));
    inject_exception(v, x86::GP, (offset & ~7u) | (ldt ? error_in_ldt : 0));
}

void guest_page_fault(Vcpu &v)
{
    std::uint32_t address = x86::read_cr2();
    ++v.domain->counters.page_faults;
    if (in_descriptor_window(v, address))
        return descriptor_page_fault(v, address);
    inject_page_fault(v, address);
}

void guest_protection_fault(Vcpu &v)
{
    GuestRegs &r = v.regs;
    if (r.error & error_in_idt) {  // int n, and the hardware gate n is not for this ring
        unsigned vector = r.error >> 3 & 0xff;
        TrapEntry const &t = v.traps[vector];
        if (!t.address || t.dpl < r.ring())
            return inject_exception(v, x86::GP, r.error);
        r.eip += 2;
        return inject_software_interrupt(v, vector);
    }
    ++v.domain->counters.protection_faults;
    if (r.error == 0) {
        if (r.ring() == 3 && widen_segments(v))
            return;
        if (emulate_instruction(v)) {
            ++v.domain->counters.emulated;
            return;
        }
    }
    inject_exception(v, x86::GP, r.error);
}

void guest_debug_exception(Vcpu &v)
{
    v.debug_regs[6] = read_and_clear_dr6();
    inject_exception(v, x86::DB, 0);
}

void guest_exception(Vcpu &v, unsigned vector)
{
    switch (vector) {
    case x86::DB: return guest_debug_exception(v);
    case x86::NMI: return log_limited("NMI");
    case x86::MC: panic("machine check");
    case x86::GP: return guest_protection_fault(v);
    case x86::NM: ++v.domain->counters.fpu_faults; return fpu_device_not_available(v);
    case x86::UD:
        if (!emulate_forced(v))
            inject_exception(v, x86::UD, 0);
        return;
    default: ++v.domain->counters.other_exceptions; return inject_exception(v, vector, v.regs.error);
    }
}

// The way back to the guest faulted in segment register or iret: entry.S, restore_guest.
[[noreturn]] void guest_return_faulted(GuestRegs const &nested)
{
    Vcpu &v = current();
    GuestRegs &r = v.regs;
    // At the iret the guest's registers were live and the nested frame has overwritten their old place.
    if (nested.eip == address_of(guest_iret))
        std::memmove(&r, &nested, offsetof(GuestRegs, vector));
    if (r.ring() != 3 && r.cs == v.failsafe_callback_cs.raw() && r.eip == v.failsafe_callback)
        crash_current_domain("the return to its failsafe callback faulted");
    inject_failsafe(v);
    exit_to_guest();
}

bool fix_up(GuestRegs &r)
{
    for (ExceptionEntry const *e = __start_ex_table; e != __stop_ex_table; ++e)
        if (e->fault == r.eip) {
            r.eip = e->fixup;
            return true;
        }
    return false;
}

bool returning_to_guest(std::uint32_t eip)
{
    return (eip >= address_of(guest_segments_begin) && eip < address_of(guest_segments_end))
        || eip == address_of(guest_iret);
}

}  // namespace
}  // namespace hv

using namespace hv;

void trap_from_guest(GuestRegs &r)
{
    Vcpu &v = current();
    ++v.domain->counters.ring0_entries;
    if (r.vector == x86::PF_)
        return guest_page_fault(v);
    if (r.vector < 32)
        return guest_exception(v, r.vector);
    if (r.vector == int80_vector) {
        ++v.domain->counters.reflected_calls;
        return inject_software_interrupt(v, int80_vector);
    }
    ++v.domain->counters.interrupts;
    handle_interrupt(r.vector);
}

void trap_from_ring0(GuestRegs &r)
{
    if (r.vector >= 32)
        return handle_interrupt(r.vector);
    switch (r.vector) {
    case x86::NMI: return log_limited("NMI");
    case x86::DB:
        // A guest's breakpoint on data that we touched for it, or a trap delayed into our first instruction.
        read_and_clear_dr6();
        r.eflags &= ~x86::TF;
        return;
    case x86::PF_: {
        std::uint32_t address = x86::read_cr2();
        if (this_cpu().current && in_descriptor_window(current(), address) && map_ldt_page(current(), address))
            return;
        break;
    }
    default: break;
    }
    if (this_cpu().current && returning_to_guest(r.eip))
        guest_return_faulted(r);
    if (fix_up(r))
        return;
    std::uint32_t cr2 = x86::read_cr2();
    report_registers(r, true);
    panic("exception %u (error %x) in ring 0, cr2 %08x", r.vector, r.error, cr2);
}

// The last stop before a guest runs: what is due is done, somebody to run is chosen, events are delivered.
GuestRegs *prepare_return()
{
    Vcpu &v = vcpu_to_run();
    finish_flush();
    vcpu_info const &info = *v.info;
    if (info.evtchn_upcall_pending && !info.evtchn_upcall_mask && v.event_callback)
        inject_event_upcall(v);
    bool to_program = v.regs.ring() == 3;
    if (!to_program && v.wide_count)
        narrow_segments(v);
    else if (to_program && v.wide_hint.present())
        rewiden_segments(v);
    v.regs.eflags = safe_eflags(v.regs.eflags);
    return &v.regs;
}
