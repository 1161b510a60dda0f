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
#include <hv/guest_copy.hpp>
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

// The figure above, from its lowest address to its highest; an error code and gs never come together.
struct GuestFrame {
    enum Word : unsigned { ds, es, fs, gs, error = gs, eip, cs, eflags, esp, ss, end };
    std::uint32_t words[end];

    explicit GuestFrame(Vcpu &v)
        : words{0,
                0,
                0,
                0,
                v.regs.eip,
                (v.regs.cs & 0xffff) | std::uint32_t{v.info->evtchn_upcall_mask} << 16,
                visible_eflags(v),
                v.regs.esp,
                v.regs.ss}
    {
    }
};

// Puts the frame, from its word `first` on, on the guest's ring-1 stack, and goes on at the target.
void redirect(Vcpu &v, GuestFrame const &frame, GuestFrame::Word first, Target target)
{
    GuestRegs &r = v.regs;
    bool from_user = r.ring() == 3;
    Selector ss = from_user ? v.kernel_ss : Selector{static_cast<std::uint16_t>(r.ss)};
    std::uint32_t bytes = ((from_user ? GuestFrame::end : GuestFrame::esp) - first) * 4u;
    std::uint32_t esp = (from_user ? v.kernel_esp : r.esp) - bytes;
    if (copy_to_guest(stack_base(v, ss) + esp, &frame.words[first], bytes))
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
    GuestFrame frame{v};
    frame.words[GuestFrame::error] = error;
    if (vector == x86::PF_)
        v.info->arch.cr2 = v.trap_cr2;
    ++v.domain->counters.exceptions_bounced;
    redirect(v, frame, exception_has_error(vector) ? GuestFrame::error : GuestFrame::eip, target);
}

void inject_software_interrupt(Vcpu &v, unsigned vector)
{
    redirect(v, GuestFrame{v}, GuestFrame::eip, target_of(v, vector));
}

void inject_event_upcall(Vcpu &v)
{
    ++v.domain->counters.upcalls;
    redirect(v, GuestFrame{v}, GuestFrame::eip, {v.event_callback_cs, v.event_callback, true});
}

void inject_failsafe(Vcpu &v)
{
    if (!v.failsafe_callback)
        crash_current_domain("a return to it faulted, and it has no failsafe callback");
    GuestRegs &r = v.regs;
    GuestFrame frame{v};
    unsigned word = GuestFrame::ds;
    for (std::uint32_t s : {r.ds, r.es, r.fs, r.gs})
        frame.words[word++] = s & 0xffff;
    r.ds = r.es = r.fs = r.gs = 0;
    redirect(v, frame, GuestFrame::ds, {v.failsafe_callback_cs, v.failsafe_callback, v.failsafe_masks_events});
}

}  // namespace hv
