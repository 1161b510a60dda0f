// SPDX-License-Identifier: MIT
#include <cstring>
#include <hv/descriptor.hpp>
#include <hv/frames.hpp>
#include <hv/guest_traps.hpp>
#include <hv/trap.hpp>
#include <hv/vcpu_context.hpp>
#include <lib/x86/registers.hpp>
#include <pv/xen.h>

namespace hv {
namespace {

// RPL 0 in cs or ss would ask our iret for ring 0.
std::uint32_t with_ring(std::uint16_t selector) { return selector & 3 ? selector : selector | 1u; }

void set_registers(Vcpu &v, cpu_user_regs const &u)
{
    GuestRegs &r = v.regs;
    r = {};
    r.ebx = u.ebx, r.ecx = u.ecx, r.edx = u.edx, r.esi = u.esi, r.edi = u.edi, r.ebp = u.ebp, r.eax = u.eax;
    r.ds = u.ds, r.es = u.es, r.fs = u.fs, r.gs = u.gs;
    r.eip = u.eip, r.esp = u.esp;
    r.cs = with_ring(u.cs);
    r.ss = with_ring(u.ss);
    r.eflags = safe_eflags(u.eflags);
}

Result<> set_entries(Vcpu &v, vcpu_guest_context const &c)
{
    Selector event{static_cast<std::uint16_t>(c.event_callback_cs)};
    Selector failsafe{static_cast<std::uint16_t>(c.failsafe_callback_cs)};
    Selector ss{static_cast<std::uint16_t>(c.kernel_ss)};
    bool good = (!c.event_callback_eip || check_ring1_selector(event, true))
        && (!c.failsafe_callback_eip || check_ring1_selector(failsafe, true)) && check_ring1_selector(ss, false);
    if (!good)
        return Error::inval;
    for (unsigned i = 0; i < 256; ++i) {
        trap_info t = c.trap_ctxt[i];
        t.vector = static_cast<std::uint8_t>(i);
        TRY(set_trap(v, t));
    }
    for (unsigned i : {0u, 1u, 2u, 3u, 6u, 7u})
        TRY(set_debug_register(v, i, c.debugreg[i]));
    v.event_callback_cs = event, v.event_callback = c.event_callback_eip;
    v.failsafe_callback_cs = failsafe, v.failsafe_callback = c.failsafe_callback_eip;
    v.failsafe_masks_events = c.flags & VGCF_failsafe_disables_events;
    v.kernel_ss = ss, v.kernel_esp = c.kernel_sp;
    return {};
}

Result<> set_tables(Vcpu &v, vcpu_guest_context const &c)
{
    if (c.gdt_ents > FIRST_RESERVED_GDT_ENTRY)
        return Error::inval;
    TRY(set_gdt(v, c.gdt_frames, c.gdt_ents));
    Result<> r = set_ldt(v, c.ldt_base, c.ldt_ents);
    if (r.ok()) {
        Mfn root{xen_cr3_to_pfn(c.ctrlreg[3])};
        auto frame = get_frame_and_type(root, v.domain, FrameType::l3);
        if (frame.ok())
            v.cr3 = root;
        else
            r = frame.error();
    }
    if (r.ok())
        return {};
    release_ldt(v);
    release_gdt(v);
    v.ldt_entries = 0;
    return r;
}

}  // namespace

Result<> set_vcpu_context(Vcpu &v, vcpu_guest_context const &c)
{
    TRY(set_entries(v, c));
    TRY(set_tables(v, c));
    set_registers(v, c.user_regs);
    if (c.flags & VGCF_i387_valid) {
        std::memcpy(v.fpu_state, &c.fpu_ctxt, sizeof v.fpu_state);
        v.fpu_initialised = true;  // a state the processor refuses is replaced at the first use
    }
    v.info->evtchn_upcall_mask = 1;
    return {};
}

}  // namespace hv
