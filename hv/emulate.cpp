// SPDX-License-Identifier: MIT
// Privileged instructions that a guest kernel may still execute in ring 1. Everything not listed here, and everything from
// ring 3 but in/out with permission, is the guest's own general protection fault.
//
//   in out (bytes, words, doublewords)   by the virtual IOPL or I/O bitmap; the machine's ports for the control domain only
//   cli sti                              nothing, if the virtual IOPL allows them: events are masked in vcpu_info
//   clts, mov to/from cr0 2 3 4, dr      what the hypercalls would do; changes they do not offer fault
//   rdmsr wrmsr                          a list of harmless ones; 0x40000000 writes the hypercall page
//   wbinvd invd                          nothing
//   ud2 "xen" cpuid                      what the guest may use of this processor
#include <hv/decode.hpp>
#include <hv/descriptor.hpp>
#include <hv/emulate.hpp>
#include <hv/guest_traps.hpp>
#include <hv/hypercall.hpp>
#include <hv/percpu.hpp>
#include <hv/trap.hpp>
#include <lib/x86/priv.hpp>
#include <lib/x86/registers.hpp>
#include <pv/xen.h>

namespace hv {
namespace {

enum Opcode : std::uint8_t {
    in_al_imm = 0xe4,
    out_imm_eax = 0xe7,
    in_al_dx = 0xec,
    out_dx_eax = 0xef,
    op_cli = 0xfa,
    op_sti = 0xfb,
    op_clts = 0x06,
    op_invd = 0x08,
    op_wbinvd = 0x09,
    op_mov_from_cr = 0x20,
    op_mov_from_dr = 0x21,
    op_mov_to_cr = 0x22,
    op_mov_to_dr = 0x23,
    op_wrmsr = 0x30,
    op_rdmsr = 0x32,
    op_cpuid = 0xa2,
};

bool read_control(Vcpu &v, unsigned number, std::uint32_t &value)
{
    switch (number) {
    case 0: value = (x86::read_cr0() & ~x86::CR0_TS) | (v.ts_virtual ? std::uint32_t{x86::CR0_TS} : 0u); return true;
    case 2: value = v.info->arch.cr2; return true;
    case 3: value = xen_pfn_to_cr3(v.cr3.raw()); return true;
    case 4: value = x86::read_cr4(); return true;
    default: return false;
    }
}

bool write_control(Vcpu &v, unsigned number, std::uint32_t value)
{
    std::uint32_t now;
    if (!read_control(v, number, now))
        return false;
    switch (number) {
    case 0:
        if ((value ^ now) & ~x86::CR0_TS)
            return false;
        return do_fpu_taskswitch(value & x86::CR0_TS) == 0;
    case 2: v.info->arch.cr2 = value; return true;
    case 4: return value == now;
    default: return false;  // cr3: MMUEXT_NEW_BASEPTR
    }
}

bool emulate_register_move(Vcpu &v, Instruction const &i)
{
    std::uint32_t &gpr = register_by_number(v.regs, i.rm());  // the processor ignores the mod field here
    switch (i.opcode) {
    case op_mov_from_cr: return read_control(v, i.reg(), gpr);
    case op_mov_to_cr: return write_control(v, i.reg(), gpr);
    case op_mov_from_dr: {
        std::int32_t value = do_get_debugreg(i.reg());
        if (i.reg() == 4 || i.reg() == 5)
            return false;
        gpr = static_cast<std::uint32_t>(value);
        return true;
    }
    default: return do_set_debugreg(i.reg(), gpr) == 0;
    }
}

bool emulate_kernel(Vcpu &v, Instruction const &i)
{
    if (v.regs.ring() == 3)
        return false;
    if (!i.two_byte)
        return (i.opcode == op_cli || i.opcode == op_sti) && v.iopl >= v.regs.ring();
    GuestRegs &r = v.regs;
    switch (i.opcode) {
    case op_clts: return do_fpu_taskswitch(0) == 0;
    case op_invd:
    case op_wbinvd: return true;
    case op_mov_from_cr:
    case op_mov_to_cr:
    case op_mov_from_dr:
    case op_mov_to_dr: return emulate_register_move(v, i);
    case op_rdmsr: return emulate_rdmsr(v, r.ecx, r.eax, r.edx);
    case op_wrmsr: return emulate_wrmsr(v, r.ecx, r.eax, r.edx);
    default: return false;
    }
}

bool is_io(Instruction const &i)
{
    return !i.two_byte
        && ((i.opcode >= in_al_imm && i.opcode <= out_imm_eax) || (i.opcode >= in_al_dx && i.opcode <= out_dx_eax));
}

bool emulate_io(Vcpu &v, Instruction const &i)
{
    bool by_dx = i.opcode >= in_al_dx;
    unsigned bytes = !(i.opcode & 1) ? 1 : i.operand16 ? 2 : 4;
    auto port = static_cast<std::uint16_t>(by_dx ? v.regs.edx : i.immediate);
    if (!io_allowed(v, port, bytes))
        return false;
    if (i.opcode & 2) {
        io_write(v, port, bytes, v.regs.eax);
        return true;
    }
    std::uint32_t mask = bytes == 4 ? ~0u : (1u << bytes * 8) - 1;
    v.regs.eax = (v.regs.eax & ~mask) | (io_read(v, port, bytes) & mask);
    return true;
}

}  // namespace

bool emulate_instruction(Vcpu &v)
{
    Instruction i;
    if (!decode(v, v.regs.eip, i))
        return false;
    std::uint32_t next = v.regs.eip + i.length;
    if (!(is_io(i) ? emulate_io(v, i) : emulate_kernel(v, i)))
        return false;
    v.regs.eip = next;
    v.regs.eflags &= ~x86::RF;
    return true;
}

bool emulate_forced(Vcpu &v)
{
    constexpr std::uint8_t wanted[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, op_cpuid};
    GuestRegs &r = v.regs;
    for (unsigned i = 0; i < sizeof wanted; ++i) {
        std::uint8_t byte;
        if (!fetch_byte(v, r.eip + i, byte) || byte != wanted[i])
            return false;
    }
    emulate_cpuid(v, r.eax, r.ebx, r.ecx, r.edx);
    r.eip += sizeof wanted;
    ++v.domain->counters.emulated;
    return true;
}

}  // namespace hv
