// SPDX-License-Identifier: MIT
#include <cstring>
#include <hv/descriptor.hpp>
#include <hv/frames.hpp>
#include <hv/guest_traps.hpp>
#include <hv/mmu.hpp>
#include <hv/schedule.hpp>
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

struct Entries {
    Selector event, failsafe, ss;
};

// Everything that could be refused, before anything changes.
Result<Entries> check_entries(vcpu_guest_context const &c)
{
    Entries e{Selector{static_cast<std::uint16_t>(c.event_callback_cs)},
              Selector{static_cast<std::uint16_t>(c.failsafe_callback_cs)},
              Selector{static_cast<std::uint16_t>(c.kernel_ss)}};
    bool good = (!c.event_callback_eip || check_ring1_selector(e.event, true))
        && (!c.failsafe_callback_eip || check_ring1_selector(e.failsafe, true)) && check_ring1_selector(e.ss, false);
    if (!good)
        return Error::inval;
    for (trap_info const &t : c.trap_ctxt)
        if (Selector cs{t.cs}; t.address && !check_ring1_selector(cs, true))
            return Error::perm;
    for (unsigned i : {0u, 1u, 2u, 3u, 6u, 7u})
        if (!check_debug_register(i, c.debugreg[i]))
            return Error::perm;
    return e;
}

void set_entries(Vcpu &v, vcpu_guest_context const &c, Entries const &e)
{
    for (unsigned i = 0; i < 256; ++i) {
        trap_info t = c.trap_ctxt[i];
        t.vector = static_cast<std::uint8_t>(i);
        static_cast<void>(set_trap(v, t));
    }
    for (unsigned i : {0u, 1u, 2u, 3u, 6u, 7u})
        static_cast<void>(set_debug_register(v, i, c.debugreg[i]));
    v.event_callback_cs = e.event, v.event_callback = c.event_callback_eip;
    v.failsafe_callback_cs = e.failsafe, v.failsafe_callback = c.failsafe_callback_eip;
    v.failsafe_masks_events = c.flags & VGCF_failsafe_disables_events;
    v.kernel_ss = e.ss, v.kernel_esp = c.kernel_sp;
    v.iopl = c.user_regs.eflags >> 12 & 3;
}

Result<> set_tables(Vcpu &v, vcpu_guest_context const &c)
{
    if (c.gdt_ents > FIRST_RESERVED_GDT_ENTRY)
        return Error::inval;
    Mfn root{xen_cr3_to_pfn(c.ctrlreg[3])};
    Frame &frame = *TRY(get_frame_and_type(root, v.domain, FrameType::l3));
    Result<> r = set_gdt(v, c.gdt_frames, c.gdt_ents);
    if (r.ok())
        r = set_ldt(v, c.ldt_base, c.ldt_ents);
    if (r.ok()) {
        v.cr3 = root;
        return {};
    }
    release_gdt(v);
    put_table_later(v, frame);  // there is none yet: it was never initialised
    return r;
}

// What a running vCPU's tables are is changed by it alone.
bool same_tables(Vcpu const &v, vcpu_guest_context const &c)
{
    bool same = v.gdt_entries == c.gdt_ents && v.ldt_base == c.ldt_base && v.ldt_entries == c.ldt_ents
        && v.cr3 == Mfn{xen_cr3_to_pfn(c.ctrlreg[3])};
    for (unsigned i = 0; same && i < gdt_pages(v.gdt_entries); ++i)
        same = v.gdt_frames[i] == Mfn{c.gdt_frames[i]};
    return same;
}

void get_registers(Vcpu const &v, cpu_user_regs &u)
{
    GuestRegs const &r = v.regs;
    auto low = [](std::uint32_t word) { return static_cast<std::uint16_t>(word); };
    u.ebx = r.ebx, u.ecx = r.ecx, u.edx = r.edx, u.esi = r.esi, u.edi = r.edi, u.ebp = r.ebp, u.eax = r.eax;
    u.ds = low(r.ds), u.es = low(r.es), u.fs = low(r.fs), u.gs = low(r.gs);
    u.eip = r.eip, u.esp = r.esp, u.cs = low(r.cs), u.ss = low(r.ss);
    u.eflags = r.eflags | v.iopl << 12;
    u.saved_upcall_mask = v.info->evtchn_upcall_mask;
}

}  // namespace

Result<> set_vcpu_context(Vcpu &v, vcpu_guest_context const &c)
{
    TRY(finish_unfinished(v));
    Entries entries = TRY(check_entries(c));
    if (!v.initialised)
        TRY(set_tables(v, c));
    else if (!same_tables(v, c))
        return Error::opnotsupp;
    set_entries(v, c, entries);
    set_registers(v, c.user_regs);
    if (c.flags & VGCF_i387_valid)
        std::memcpy(v.fpu_state, &c.fpu_ctxt,
                    sizeof v.fpu_state);  // one that the processor refuses is replaced when it is loaded
    if (!v.initialised)
        v.info->evtchn_upcall_mask = 1;
    v.initialised = true;
    set_online(v, c.flags & VGCF_online);
    return {};
}

void get_vcpu_context(Vcpu const &v, vcpu_guest_context &c)
{
    std::memset(&c, 0, sizeof c);
    std::memcpy(&c.fpu_ctxt, v.fpu_state, sizeof v.fpu_state);
    c.flags = (v.regs.ring() == 1 ? VGCF_in_kernel : 0) | (v.online ? VGCF_online : 0) | VGCF_i387_valid
        | (v.failsafe_masks_events ? VGCF_failsafe_disables_events : 0);
    get_registers(v, c.user_regs);
    for (unsigned i = 0; i < 256; ++i) {
        TrapEntry const &t = v.traps[i];
        auto flags = static_cast<std::uint8_t>(t.dpl | (t.mask_events ? 4 : 0));
        c.trap_ctxt[i] = {static_cast<std::uint8_t>(i), flags, t.selector.raw(), t.address};
    }
    c.ldt_base = v.ldt_base, c.ldt_ents = v.ldt_entries;
    c.gdt_ents = v.gdt_entries;
    for (unsigned i = 0; i < gdt_pages(v.gdt_entries); ++i)
        c.gdt_frames[i] = v.gdt_frames[i].raw();
    c.kernel_ss = v.kernel_ss.raw(), c.kernel_sp = v.kernel_esp;
    c.ctrlreg[2] = v.info->arch.cr2;
    c.ctrlreg[3] = v.cr3 == no_mfn ? 0 : xen_pfn_to_cr3(v.cr3.raw());
    std::memcpy(c.debugreg, v.debug_regs, sizeof c.debugreg);
    c.event_callback_cs = v.event_callback_cs.raw(), c.event_callback_eip = v.event_callback;
    c.failsafe_callback_cs = v.failsafe_callback_cs.raw(), c.failsafe_callback_eip = v.failsafe_callback;
    c.vm_assist = v.domain->vm_assist;
}

}  // namespace hv
