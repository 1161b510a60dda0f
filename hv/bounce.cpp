// SPDX-License-Identifier: MIT
// Frames on the guest's ring-1 stack: how an exception, an event or a failed return reaches the guest kernel.
//
//   interrupted ring 3: on kernel_ss:kernel_esp        interrupted ring 1: on its own stack
//        +--------------------------+  high
//        | ss                       |  only from ring 3
//        | esp                      |  only from ring 3
//        | eflags                   |  IF: events were unmasked; IOPL: as PHYSDEVOP_set_iopl asked
//        | saved_upcall_mask << 16 | cs |
//        | eip                      |
//        | error code               |  for the exceptions that have one
//        | gs fs es ds (ds lowest)  |  failsafe callback only; the registers themselves become null
//        +--------------------------+  <- esp in the handler, which runs in ring 1
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/exception_table.hpp>
#include <hv/guest_copy.hpp>
#include <hv/tlb.hpp>
#include <hv/trap.hpp>
#include <lib/x86/registers.hpp>
#include <pv/xen.h>

namespace hv {
namespace {

struct Target {
    Selector cs;
    std::uint32_t eip;
    bool mask_events;
};

// The linear address of ss:esp, honouring a base that is not 0; the writes themselves are checked against the hole.
std::uint32_t stack_base(Vcpu &v, Selector ss)
{
    if ((ss.raw() & ~3) == (FLAT_RING1_DS & ~3))
        return 0;
    auto d = read_descriptor(v, ss);
    return d.ok() ? d.value().base() : 0;
}

// Stores a word in the guest; false if it cannot be. The caller has checked the range.
bool store(std::uint32_t *where, std::uint32_t word)
{
    asm goto("1: movl %1, %0\n\t" HV_EX_TABLE("1b", "%l[fault]") : : "m"(*where), "ri"(word) : "memory" : fault);
    return true;
fault:
    return false;
}

// Puts the frame on the guest's ring-1 stack and goes on at the target. `below_eip`: what the figure has there, the lowest first.
template <class... Words>
void redirect(Vcpu &v, Target target, Words... below_eip)
{
    GuestRegs &r = v.regs;
    bool from_user = r.ring() == 3;
    Selector ss = from_user ? v.kernel_ss : Selector{static_cast<std::uint16_t>(r.ss)};
    unsigned words = sizeof...(below_eip) + (from_user ? 5 : 3);
    std::uint32_t esp = (from_user ? v.kernel_esp : r.esp) - words * 4;
    std::uint32_t address = stack_base(v, ss) + esp;
    finish_flush();
    auto *p = reinterpret_cast<std::uint32_t *>(static_cast<std::uintptr_t>(address));
    std::uint32_t cs = (r.cs & 0xffff) | std::uint32_t{v.info->evtchn_upcall_mask} << 16;
    bool written = guest_range_ok(address, words, 4) && (store(p++, below_eip) && ...) && store(p++, r.eip)
        && store(p++, cs) && store(p++, visible_eflags(v)) && (!from_user || (store(p, r.esp) && store(p + 1, r.ss)));
    if (!written)
        crash_current_domain("double fault: its ring-1 stack %04x:%08x cannot be written", ss.raw(), esp);
    if (target.mask_events)
        v.info->evtchn_upcall_mask = 1;
    r.ss = ss.raw();
    r.esp = esp;
    r.cs = target.cs.raw();
    r.eip = target.eip;
    r.eflags = safe_eflags(r.eflags & ~(x86::TF | x86::RF | x86::AC));
}

Target target_of(Vcpu &v, unsigned vector)
{
    TrapEntry const &t = v.traps[vector];
    if (t.address == 0)
        crash_current_domain("exception %u, and it has no handler for it", vector);
    return {t.selector, t.address, t.mask_events};
}

}  // namespace

bool exception_has_error(unsigned vector)
{
    return vector == x86::DF_ || (vector >= x86::TS && vector <= x86::PF_) || vector == x86::AC_;
}

std::uint32_t visible_eflags(Vcpu &v)
{
    std::uint32_t flags = v.regs.eflags & ~(x86::IF | x86::IOPL);
    return flags | (v.info->evtchn_upcall_mask & 1 ? 0u : std::uint32_t{x86::IF}) | v.iopl << 12;
}

void inject_exception(Vcpu &v, unsigned vector, std::uint32_t error)
{
    Target target = target_of(v, vector);
    ++v.domain->counters.exceptions_bounced;
    if (exception_has_error(vector))
        redirect(v, target, error);
    else
        redirect(v, target);
}

void inject_page_fault(Vcpu &v, std::uint32_t address)
{
    v.trap_cr2 = v.info->arch.cr2 = address;
    ++v.domain->counters.exceptions_bounced;
    redirect(v, target_of(v, x86::PF_), v.regs.error);
}

void inject_software_interrupt(Vcpu &v, unsigned vector) { redirect(v, target_of(v, vector)); }

void inject_event_upcall(Vcpu &v)
{
    ++v.domain->counters.upcalls;
    redirect(v, {v.event_callback_cs, v.event_callback, true});
}

void inject_failsafe(Vcpu &v)
{
    if (!v.failsafe_callback)
        crash_current_domain("a return to it faulted, and it has no failsafe callback");
    GuestRegs &r = v.regs;
    Target target{v.failsafe_callback_cs, v.failsafe_callback, v.failsafe_masks_events};
    redirect(v, target, r.ds & 0xffff, r.es & 0xffff, r.fs & 0xffff, r.gs & 0xffff);
    r.ds = r.es = r.fs = r.gs = 0;
}

}  // namespace hv
