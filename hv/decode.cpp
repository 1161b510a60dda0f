// SPDX-License-Identifier: MIT
// SDM Vol. 2A chapter 2 (instruction format), appendix A (opcode map).
#include <hv/decode.hpp>
#include <hv/descriptor.hpp>
#include <hv/guest_copy.hpp>

namespace hv {
namespace {

constexpr unsigned longest_instruction = 15;

struct Reader {
    Vcpu &v;
    std::uint32_t start;
    unsigned count = 0;
    bool ok = true;

    std::uint8_t next()
    {
        std::uint8_t byte = 0;
        ok = ok && count < longest_instruction && fetch_byte(v, start + count, byte);
        ++count;
        return byte;
    }
};

// Prefixes that change nothing here are passed over (segment overrides on instructions without a memory operand).
bool is_prefix(std::uint8_t byte, Instruction &i)
{
    switch (byte) {
    case 0x66: i.operand16 = !i.operand16; return true;
    case 0xf2:
    case 0xf3: i.repeated = true; return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x67: return true;
    default: return false;
    }
}

bool has_modrm(Instruction const &i) { return i.two_byte && i.opcode >= 0x20 && i.opcode <= 0x23; }
bool has_immediate(Instruction const &i) { return !i.two_byte && i.opcode >= 0xe4 && i.opcode <= 0xe7; }

}  // namespace

bool fetch_byte(Vcpu &v, std::uint32_t eip, std::uint8_t &byte)
{
    auto code = read_descriptor(v, Selector{static_cast<std::uint16_t>(v.regs.cs)});
    if (!code.ok() || !code.value().is_code() || eip > code.value().limit())
        return false;
    return read_guest(byte, code.value().base() + eip);
}

bool decode(Vcpu &v, std::uint32_t eip, Instruction &i)
{
    auto code = read_descriptor(v, Selector{static_cast<std::uint16_t>(v.regs.cs)});
    if (!code.ok())
        return false;
    i = {};
    i.operand16 = !code.value().is_32bit();
    Reader in{v, eip};
    std::uint8_t byte = in.next();
    while (in.ok && is_prefix(byte, i))
        byte = in.next();
    i.two_byte = byte == 0x0f;
    i.opcode = i.two_byte ? in.next() : byte;
    if (has_modrm(i))
        i.modrm = in.next();
    if (has_immediate(i))
        i.immediate = in.next();
    i.length = static_cast<std::uint8_t>(in.count);
    return in.ok;
}

std::uint32_t &register_by_number(GuestRegs &r, unsigned number)
{
    std::uint32_t GuestRegs::*const order[] = {&GuestRegs::eax, &GuestRegs::ecx, &GuestRegs::edx, &GuestRegs::ebx,
                                               &GuestRegs::esp, &GuestRegs::ebp, &GuestRegs::esi, &GuestRegs::edi};
    return r.*order[number & 7];
}

}  // namespace hv
