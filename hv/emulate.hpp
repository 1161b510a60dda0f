// SPDX-License-Identifier: MIT
// The parts that emulate.cpp is made of. Each returns false where the guest gets a general protection fault.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>

namespace hv {
// ports.cpp
bool io_allowed(Vcpu &, std::uint16_t port, unsigned bytes);  // by the ring, the virtual IOPL, the I/O bitmap
// Ports that are not the domain's read as ones and swallow writes.
std::uint32_t io_read(Vcpu &, std::uint16_t port, unsigned bytes);
void io_write(Vcpu &, std::uint16_t port, unsigned bytes, std::uint32_t value);

// msr.cpp
bool emulate_rdmsr(Vcpu &, std::uint32_t number, std::uint32_t &low, std::uint32_t &high);
bool emulate_wrmsr(Vcpu &, std::uint32_t number, std::uint32_t low, std::uint32_t high);

// cpuid.cpp: leaf in eax, subleaf in ecx
void emulate_cpuid(Vcpu &, std::uint32_t &eax, std::uint32_t &ebx, std::uint32_t &ecx, std::uint32_t &edx);
}  // namespace hv
