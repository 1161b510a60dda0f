// SPDX-License-Identifier: MIT
// PCI devices: configuration space through ports 0xcf8 and 0xcfc, the functions on all buses, what each offers.
// PCI Local Bus Specification 3.0, chapter 6; MSI-X 6.8.2.
//
//   pci::for_each([](pci::Function &f) { if (f.vendor() == 0x1af4) ... });
#pragma once
#include <arch/device.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace pci {
enum Register : std::uint8_t {
    vendor_id = 0x00,
    device_id = 0x02,
    command = 0x04,
    status = 0x06,
    revision = 0x08,  // and the class code above it
    header_type = 0x0e,
    bar0 = 0x10,
    subsystem_vendor_id = 0x2c,
    subsystem_id = 0x2e,
    capabilities = 0x34,
    interrupt_line = 0x3c,
    interrupt_pin = 0x3d,
    secondary_bus = 0x19,  // of a bridge
};
enum class Capability : std::uint8_t { msi = 0x05, vendor = 0x09, msix = 0x11 };

// A base address register: memory or ports of the function.
struct Bar {
    Maddr address;
    std::uint64_t bytes;  // 0: not implemented
    bool is_port;
};

class Function {
public:
    constexpr Function() = default;
    constexpr Function(std::uint8_t its_bus, unsigned its_devfn)
        : bus{its_bus}, devfn{static_cast<std::uint8_t>(its_devfn)}
    {
    }
    std::uint8_t bus = 0, devfn = 0;  // devfn: device number << 3 | function number

    std::uint16_t vendor() const { return read16(vendor_id); }
    std::uint16_t device() const { return read16(device_id); }
    std::uint32_t class_code() const { return read32(revision) >> 8; }  // class, subclass, interface

    std::uint8_t read8(unsigned offset) const;
    std::uint16_t read16(unsigned offset) const;
    std::uint32_t read32(unsigned offset) const;
    void write16(unsigned offset, std::uint16_t) const;
    void write32(unsigned offset, std::uint32_t) const;

    // The offset of the first capability of that kind behind `after` (0: from the start); 0: there is none.
    unsigned find_capability(Capability, unsigned after = 0) const;
    Bar bar(unsigned number) const;  // 0..5; the function's memory and ports are switched off for the moment of asking
    void enable() const;             // answers at its BARs, and may reach memory by itself
    void disable() const;

    // Interrupts: either messages or the pin. A line's handler comes with kernel::attach_interrupt().
    unsigned messages() const;                        // entries of the MSI-X table; 0: no MSI-X
    Result<arch::Line> bind_message(unsigned entry);  // switches MSI-X on; enable() before
    void disable_messages();                          // before the lines are unbound
    // INTx, as the firmware routed it to the interrupt controller (interrupt-line register; ACPI's tables are not read).
    // Error::nodev: it has no pin, or the pin is not connected.
    Result<arch::Line> bind_pin();

private:
    std::uint32_t volatile *message_table_ = nullptr;  // mapped at the first bind_message()
};

// The functions found by one walk over all buses, at the first call; silently none where the machine's devices are not ours.
void for_each(void (*f)(void *context, Function &), void *context);
template <class F>
void for_each(F f)
{
    for_each([](void *context, Function &function) { (*static_cast<F *>(context))(function); }, &f);
}
}  // namespace pci
