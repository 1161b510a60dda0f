// SPDX-License-Identifier: MIT
// The instruction that faulted, read once, byte by byte, through the guest's code segment (decode.cpp).
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
struct Instruction {
    std::uint8_t opcode = 0;  // the byte after 0x0f if two_byte
    bool two_byte = false;
    bool operand16 = false;  // 16-bit operands
    bool repeated = false;   // f2 or f3
    std::uint8_t length = 0;
    std::uint8_t modrm = 0;  // only for opcodes that have one here
    std::uint8_t immediate = 0;

    unsigned reg() const { return modrm >> 3 & 7; }
    unsigned rm() const { return modrm & 7; }
    bool register_operand() const { return modrm >> 6 == 3; }
};
// False: not readable, beyond the segment's limit, too long, or not one of the instructions that emulate.cpp carries out.
bool decode(Vcpu &, std::uint32_t eip, Instruction &);
// A byte at cs:eip of the guest; false: it may not be fetched.
bool fetch_byte(Vcpu &, std::uint32_t eip, std::uint8_t &);
// By the number in ModRM: eax ecx edx ebx esp ebp esi edi.
std::uint32_t &register_by_number(GuestRegs &, unsigned number);
}  // namespace hv
