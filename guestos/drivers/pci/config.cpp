// SPDX-License-Identifier: MIT
// Configuration space by mechanism #1: the address goes to port 0xcf8, the data through 0xcfc. PCI Local Bus Specification
// 3.0, 3.2.2.3.2. Address and data belong together, so interrupts stay off between them.
#include <arch/device.hpp>
#include <drivers/pci/pci.hpp>

namespace pci {
namespace {
constexpr std::uint16_t address_port = 0xcf8, data_port = 0xcfc;
constexpr std::uint32_t enable_bit = 1u << 31;
enum Command : std::uint16_t { answers_ports = 1, answers_memory = 2, bus_master = 4, no_pin = 1u << 10 };

void select(Function const &f, unsigned offset)
{
    arch::port_write(address_port, 4, enable_bit | f.bus << 16 | f.devfn << 8 | (offset & 0xfc));
}

std::uint32_t read(Function const &f, unsigned offset, unsigned bytes)
{
    arch::IrqGuard guard;
    select(f, offset);
    return arch::port_read(static_cast<std::uint16_t>(data_port + offset % 4), bytes);
}

void write(Function const &f, unsigned offset, unsigned bytes, std::uint32_t value)
{
    arch::IrqGuard guard;
    select(f, offset);
    arch::port_write(static_cast<std::uint16_t>(data_port + offset % 4), bytes, value);
}

constexpr std::uint32_t is_port_bar = 1, port_bar_flags = 3, memory_bar_flags = 0xf, memory_bar_64 = 4;

// Writing ones shows which address bits exist.
std::uint32_t size_mask(Function const &f, unsigned offset)
{
    auto old = f.read32(offset);
    f.write32(offset, ~0u);
    auto mask = f.read32(offset);
    f.write32(offset, old);
    return mask;
}
}  // namespace

std::uint8_t Function::read8(unsigned offset) const { return static_cast<std::uint8_t>(read(*this, offset, 1)); }
std::uint16_t Function::read16(unsigned offset) const { return static_cast<std::uint16_t>(read(*this, offset, 2)); }
std::uint32_t Function::read32(unsigned offset) const { return read(*this, offset, 4); }
void Function::write16(unsigned offset, std::uint16_t v) const { write(*this, offset, 2, v); }
void Function::write32(unsigned offset, std::uint32_t v) const { write(*this, offset, 4, v); }

// The list is the device's: a loop in it must not become ours.
unsigned Function::find_capability(Capability wanted, unsigned after) const
{
    constexpr std::uint16_t has_list = 1u << 4;
    constexpr unsigned most = 48;  // that many fit in the 256 bytes
    if (!(read16(status) & has_list))
        return 0;
    auto next = after ? read8(after + 1) : read8(capabilities);
    for (unsigned i = 0; i < most && (next & 0xfc) >= 0x40; ++i) {
        auto at = next & 0xfcu;
        if (read8(at) == static_cast<std::uint8_t>(wanted))
            return at;
        next = read8(at + 1);
    }
    return 0;
}

Bar Function::bar(unsigned number) const
{
    unsigned offset = bar0 + 4 * number;
    auto low = read32(offset);
    bool wide = !(low & is_port_bar) && (low & 6) == memory_bar_64;
    auto was = read16(command);
    write16(command, static_cast<std::uint16_t>(was & ~(answers_ports | answers_memory)));
    std::uint64_t mask = size_mask(*this, offset), address = low;
    if (wide) {
        mask |= std::uint64_t{size_mask(*this, offset + 4)} << 32;
        address |= std::uint64_t{read32(offset + 4)} << 32;
    } else if (mask) {
        mask |= ~0ull << 32;
    }
    write16(command, was);
    if (low & is_port_bar)
        mask |= 0xffff'0000;  // devices need not implement the upper half
    std::uint64_t flags = low & is_port_bar ? port_bar_flags : memory_bar_flags;
    auto bytes = mask & ~flags ? ~(mask & ~flags) + 1 : 0;
    return {Maddr{address & ~flags}, bytes, (low & is_port_bar) != 0};
}

void Function::enable() const
{
    write16(command, static_cast<std::uint16_t>(read16(command) | answers_ports | answers_memory | bus_master));
}

void Function::disable() const
{
    write16(command, static_cast<std::uint16_t>(read16(command) & ~(answers_ports | answers_memory | bus_master)));
}
}  // namespace pci
