// SPDX-License-Identifier: MIT
// A function's interrupts. MSI-X, PCI Local Bus Specification 3.0, 6.8.2:
//
//   capability +2: | enable 15 | mask all 14 | entries - 1, 0-10 |     table: +0  address, low
//              +4: | offset of the table 3-31 | BAR 0-2 |                      +4  address, high
//                                                                              +8  data
//                                                                              +12 bit 0: masked
#include <drivers/pci/pci.hpp>
#include <kernel/memory/kernel_map.hpp>

namespace pci {
namespace {
constexpr std::uint16_t msix_enable = 1u << 15, msix_entries = 0x7ff;
constexpr std::uint16_t no_pin = 1u << 10;  // command register: the pin stays still
constexpr unsigned entry_words = 4, entry_bytes = 16;

struct Table {
    Maddr address;
    std::uint32_t bytes;
};

Result<Table> find_table(Function const &f, unsigned capability)
{
    auto where = f.read32(capability + 4);
    if ((where & 7) > 5)
        return Error::nodev;
    auto bar = f.bar(where & 7);
    auto bytes = ((f.read16(capability + 2) & msix_entries) + 1u) * entry_bytes;
    auto offset = where & ~7u;
    if (bar.is_port || bar.address == Maddr{} || bar.bytes < offset || bar.bytes - offset < bytes)
        return Error::nodev;
    return Table{bar.address + offset, bytes};
}

void write_entry(std::uint32_t volatile *entry, arch::Message const &m)
{
    entry[3] = entry[3] | 1;
    entry[0] = m.address;
    entry[1] = 0;
    entry[2] = m.data;
    entry[3] = entry[3] & ~1u;
}
}  // namespace

unsigned Function::messages() const
{
    auto capability = find_capability(Capability::msix);
    return capability ? (read16(capability + 2) & msix_entries) + 1u : 0;
}

Result<arch::Line> Function::bind_message(unsigned entry)
{
    if (entry >= messages())
        return Error::inval;
    auto capability = find_capability(Capability::msix);
    auto table = TRY(find_table(*this, capability));
    write16(command, static_cast<std::uint16_t>(read16(command) | no_pin));
    write16(capability + 2, static_cast<std::uint16_t>(read16(capability + 2) | msix_enable));
    auto message = TRY(arch::bind_message({bus, devfn, table.address, static_cast<std::uint16_t>(entry)}));
    if (message.written)
        return message.line;
    if (!message_table_) {
        auto mapped = kernel::map_device(table.address, table.bytes);
        if (!mapped.ok()) {
            arch::unbind_message(message.line);
            return mapped.error();
        }
        message_table_ = static_cast<std::uint32_t volatile *>(mapped.value());
    }
    write_entry(message_table_ + entry * entry_words, message);
    return message.line;
}

void Function::disable_messages()
{
    if (auto capability = find_capability(Capability::msix))
        write16(capability + 2, static_cast<std::uint16_t>(read16(capability + 2) & ~msix_enable));
}

Result<arch::Line> Function::bind_pin()
{
    auto line = read8(interrupt_line);
    if (read8(interrupt_pin) == 0 || line == 0 || line == 0xff)
        return Error::nodev;
    write16(command, static_cast<std::uint16_t>(read16(command) & ~no_pin));
    return arch::bind_pin(line);
}
}  // namespace pci
