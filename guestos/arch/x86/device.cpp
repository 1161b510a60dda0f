// SPDX-License-Identifier: MIT
// Devices: ports, and memory that they reach.
#include <arch/device.hpp>
#include <lib/x86/priv.hpp>

namespace arch {
bool claim_devices() { return true; }

std::uint32_t port_read(std::uint16_t port, unsigned bytes)
{
    switch (bytes) {
    case 1: return x86::inb(port);
    case 2: return x86::inw(port);
    default: return x86::inl(port);
    }
}

void port_write(std::uint16_t port, unsigned bytes, std::uint32_t value)
{
    switch (bytes) {
    case 1: return x86::outb(port, static_cast<std::uint8_t>(value));
    case 2: return x86::outw(port, static_cast<std::uint16_t>(value));
    default: return x86::outl(port, value);
    }
}

// Neighbours in the linear map are neighbours in the machine.
Result<> make_contiguous(Pfn, unsigned) { return {}; }
}  // namespace arch
