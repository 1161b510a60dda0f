// SPDX-License-Identifier: MIT
#include <hv/emulate.hpp>
#include <hv/guest_copy.hpp>
#include <lib/x86/priv.hpp>

namespace hv {
namespace {

struct PortRange {
    std::uint16_t first, last;
};
// The hypervisor's own: interrupt controllers, timer, serial console, the ways to end the machine.
constexpr PortRange hypervisor_ports[] = {
    {0x0020, 0x0021}, {0x00a0, 0x00a1}, {0x0040, 0x0043}, {0x0061, 0x0061}, {0x00f4, 0x00f7}, {0x03f8, 0x03ff},
    {0x04d0, 0x04d1}, {0x0600, 0x063f}, {0x0cf9, 0x0cf9}, {0x8900, 0x8900}, {0xb000, 0xb03f},
};

// Configuration space (0xcf8 doubleword) shares its address with the reset register at 0xcf9: by size.
bool hypervisors(std::uint32_t port, unsigned bytes)
{
    if (port == 0xcf8 && bytes == 4)
        return false;
    for (PortRange const &r : hypervisor_ports)
        if (port <= r.last && port + bytes - 1 >= r.first)
            return true;
    return false;
}

bool reaches_machine(Vcpu const &v, std::uint16_t port, unsigned bytes)
{
    return v.domain->privileged && port + bytes <= 0x10000 && !hypervisors(port, bytes);
}

bool bitmap_allows(Vcpu &v, std::uint32_t port)
{
    std::uint8_t bits;
    if (port >= v.io_bitmap_ports || !read_guest(bits, v.io_bitmap + port / 8))
        return false;
    return !(bits >> (port % 8) & 1);
}

}  // namespace

bool io_allowed(Vcpu &v, std::uint16_t port, unsigned bytes)
{
    if (v.regs.ring() <= v.iopl)
        return true;
    for (unsigned i = 0; i < bytes; ++i)
        if (!bitmap_allows(v, port + i))
            return false;
    return true;
}

std::uint32_t io_read(Vcpu &v, std::uint16_t port, unsigned bytes)
{
    if (!reaches_machine(v, port, bytes))
        return ~0u;
    return bytes == 1 ? x86::inb(port) : bytes == 2 ? x86::inw(port) : x86::inl(port);
}

void io_write(Vcpu &v, std::uint16_t port, unsigned bytes, std::uint32_t value)
{
    if (!reaches_machine(v, port, bytes))
        return;
    switch (bytes) {
    case 1: return x86::outb(port, static_cast<std::uint8_t>(value));
    case 2: return x86::outw(port, static_cast<std::uint16_t>(value));
    default: return x86::outl(port, value);
    }
}

}  // namespace hv
