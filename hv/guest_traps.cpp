// SPDX-License-Identifier: MIT
// Where a guest wants to be entered, and how it goes back: set_trap_table, callbacks, iret, debug registers.
// Every address given here is only ever loaded by an iret to ring 1 or 3, with a selector whose RPL is at least 1.
#include <hv/cpu.hpp>
#include <hv/descriptor.hpp>
#include <hv/guest_copy.hpp>
#include <hv/guest_traps.hpp>
#include <hv/hypercall.hpp>
#include <hv/memory.hpp>
#include <hv/percpu.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>
#include <pv/callback.h>

namespace hv {
namespace {

constexpr std::uint32_t dr6_fixed = 0xffff'0ff0;
constexpr std::uint32_t dr7_enables = 0xff, dr7_fixed = 0x400;
constexpr std::uint32_t dr7_reserved = 0xf800;  // with GD (bit 13), which would catch our own accesses
constexpr unsigned num_breakpoints = 4;

Result<> register_callback(Vcpu &v, callback_register const &op)
{
    Selector cs{static_cast<std::uint16_t>(op.address.cs)};
    if (!check_ring1_selector(cs, true))
        return Error::inval;
    switch (op.type) {
    case CALLBACKTYPE_event:
        v.event_callback_cs = cs;
        v.event_callback = op.address.eip;
        return {};
    case CALLBACKTYPE_failsafe:
        v.failsafe_callback_cs = cs;
        v.failsafe_callback = op.address.eip;
        v.failsafe_masks_events = op.flags & CALLBACKF_mask_events;
        return {};
    default: return Error::nosys;
    }
}

Result<> unregister_callback(callback_unregister const &op)
{
    // The two that there are cannot be missed: as Xen answers.
    bool exists = op.type == CALLBACKTYPE_event || op.type == CALLBACKTYPE_failsafe;
    return exists ? Error::inval : Error::nosys;
}

bool good_breakpoint(std::uint32_t address) { return address < hypervisor_virt_start; }

// A type of 2 in R/W0-3 (I/O) needs CR4.DE, and length 2 is 8 bytes, which this processor has not: both refused.
bool good_dr7(std::uint32_t value)
{
    if (value & dr7_reserved)
        return false;
    if (!(value & dr7_enables))
        return true;
    for (unsigned i = 0; i < num_breakpoints; ++i) {
        std::uint32_t type = value >> (16 + 4 * i) & 3, length = value >> (18 + 4 * i) & 3;
        if (type == 2 || length == 2)
            return false;
    }
    return true;
}

}  // namespace

Result<> set_trap(Vcpu &v, trap_info const &t)
{
    Selector cs{t.cs};
    if (t.address && !check_ring1_selector(cs, true))
        return Error::perm;
    v.traps[t.vector] = {t.address, cs, static_cast<std::uint8_t>(TI_GET_DPL(&t)), TI_GET_IF(&t) != 0};
    if (t.vector == int80_vector)
        update_direct_gate(v);
    return {};
}

bool check_debug_register(unsigned reg, std::uint32_t value)
{
    return reg == 7 ? good_dr7(value) : reg == 6 || good_breakpoint(value);
}

Result<> set_debug_register(Vcpu &v, unsigned reg, std::uint32_t value)
{
    if (reg > 7 || reg == 4 || reg == 5)
        return Error::inval;
    if (!check_debug_register(reg, value))
        return Error::perm;
    if (reg == 6)
        value = (value & 0xf00f) | dr6_fixed;
    v.debug_regs[reg] = reg == 7 ? value | dr7_fixed : value;
    return {};
}

void load_debug_registers(Vcpu const &v)
{
    // Off first: an old breakpoint must not meet new enables.
    asm volatile("mov %0, %%dr7" ::"r"(dr7_fixed));
    if (!(v.debug_regs[7] & dr7_enables))
        return;
    asm volatile(
        "mov %0, %%dr0\n\tmov %1, %%dr1\n\tmov %2, %%dr2\n\tmov %3, %%dr3\n\tmov %4, %%dr7" ::"r"(v.debug_regs[0]),
        "r"(v.debug_regs[1]), "r"(v.debug_regs[2]), "r"(v.debug_regs[3]), "r"(v.debug_regs[7]));
}

// Ends with an entry whose address is 0. A null pointer clears the table. Each vector has one slot, so a list longer than
// the table changes the same slots again and again: it may be restarted.
std::int32_t do_set_trap_table(std::uint32_t traps)
{
    Vcpu &v = current();
    if (traps == 0) {
        for (TrapEntry &t : v.traps)
            t = {};
        update_direct_gate(v);
        return 0;
    }
    for (;; traps += sizeof(trap_info)) {
        if (preempt_requested())
            return continue_hypercall({traps});
        trap_info t;
        if (!read_guest(t, traps))
            return -static_cast<std::int32_t>(Error::fault);
        if (t.address == 0)
            return 0;
        if (Result<> r = set_trap(v, t); !r.ok())
            return to_errno(r);
    }
}

std::int32_t do_set_callbacks(std::uint32_t event_cs, std::uint32_t event, std::uint32_t failsafe_cs,
                              std::uint32_t failsafe)
{
    Selector ecs{static_cast<std::uint16_t>(event_cs)}, fcs{static_cast<std::uint16_t>(failsafe_cs)};
    if (!check_ring1_selector(ecs, true) || !check_ring1_selector(fcs, true))
        return -static_cast<std::int32_t>(Error::inval);
    Vcpu &v = current();
    v.event_callback_cs = ecs;
    v.event_callback = event;
    v.failsafe_callback_cs = fcs;
    v.failsafe_callback = failsafe;
    return 0;
}

std::int32_t do_callback_op(std::uint32_t cmd, std::uint32_t argument)
{
    if (cmd == CALLBACKOP_register) {
        callback_register op;
        if (!read_guest(op, argument))
            return -static_cast<std::int32_t>(Error::fault);
        return to_errno(register_callback(current(), op));
    }
    if (cmd != CALLBACKOP_unregister)
        return -static_cast<std::int32_t>(Error::nosys);
    callback_unregister op;
    if (!read_guest(op, argument))
        return -static_cast<std::int32_t>(Error::fault);
    return to_errno(unregister_callback(op));
}

// Nothing here sends a guest an NMI.
std::int32_t do_nmi_op(std::uint32_t, std::uint32_t) { return -static_cast<std::int32_t>(Error::nosys); }

std::int32_t do_set_debugreg(std::uint32_t reg, std::uint32_t value)
{
    Vcpu &v = current();
    Result<> r = set_debug_register(v, reg, value);
    if (r.ok())
        load_debug_registers(v);
    return to_errno(r);
}

std::int32_t do_get_debugreg(std::uint32_t reg)
{
    if (reg > 7 || reg == 4 || reg == 5)
        return -static_cast<std::int32_t>(Error::inval);
    return static_cast<std::int32_t>(current().debug_regs[reg]);
}

// The stub in the hypercall page has pushed %eax on the frame that the guest wants loaded:
//   esp -> | eax | eip | cs | eflags | esp | ss |      (the last two only for a return to ring 3)
std::int32_t do_iret()
{
    Vcpu &v = current();
    GuestRegs &r = v.regs;
    struct {
        std::uint32_t eax, eip, cs, eflags;
    } frame;
    struct {
        std::uint32_t esp, ss;
    } stack;
    std::uint32_t at = r.esp;
    if (!read_guest(frame, at))
        crash_current_domain("iret hypercall: its stack at %08x cannot be read", at);
    if (frame.eflags & x86::VM) {  // virtual-8086 mode: not here
        inject_exception(v, x86::GP, 0);
        return static_cast<std::int32_t>(r.eax);
    }
    bool to_user = (frame.cs & 3) == 3;
    if (to_user && !read_guest(stack, at + sizeof frame))
        crash_current_domain("iret hypercall: its stack at %08x cannot be read", at);
    r.esp = to_user ? stack.esp : at + static_cast<std::uint32_t>(sizeof frame);
    if (to_user)
        r.ss = stack.ss & 0xffff;
    r.eip = frame.eip;
    // RPL 0 would make our own iret stay in ring 0.
    r.cs = (frame.cs & 0xffff) | (frame.cs & 3 ? 0 : 1);
    r.eflags = safe_eflags(frame.eflags);
    v.info->evtchn_upcall_mask = !(frame.eflags & x86::IF);
    return static_cast<std::int32_t>(frame.eax);
}

// 4gb_segments: the wrap-around that a cut segment lacks works by itself (wide.cpp), asked for or not.
std::int32_t do_vm_assist(std::uint32_t cmd, std::uint32_t type)
{
    bool known = type == VMASST_TYPE_4gb_segments || type == VMASST_TYPE_pae_extended_cr3
        || type == VMASST_TYPE_runstate_update_flag || type == VMASST_TYPE_architectural_iopl;
    if (!known)
        return -static_cast<std::int32_t>(Error::inval);
    std::uint32_t &assists = current_domain().vm_assist;
    switch (cmd) {
    case VMASST_CMD_enable: assists |= 1u << type; return 0;
    case VMASST_CMD_disable: assists &= ~(1u << type); return 0;
    default: return -static_cast<std::int32_t>(Error::nosys);
    }
}

}  // namespace hv
