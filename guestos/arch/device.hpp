// SPDX-License-Identifier: MIT
// CONTRACT driver -> arch: devices. Their registers, the memory that they reach by themselves, their interrupts.
//
//              natively                       domain 0
//   port       in, out                        the same instructions, emulated by the hypervisor
//   register   an uncached mapping            an uncached mapping that the hypervisor lets pass
//   address    the frame's own                the machine frame's: neighbours need not be neighbours
//   pin        IO-APIC entry -> vector        physdev_op(map_pirq, GSI) -> event channel
//   message    vector -> MSI-X table entry    physdev_op(map_pirq, MSI) -> event channel; the hypervisor writes the entry
//
// A domain without devices answers false to claim_devices(): then nothing else here may be called.
#pragma once
#include <arch/boot.hpp>
#include <arch/irq.hpp>
#include <arch/mmu.hpp>
#include <lib/addr.hpp>
#include <lib/result.hpp>

namespace arch {
bool claim_devices();

// `bytes`: 1, 2 or 4. A port that nobody answers reads as ones.
std::uint32_t port_read(std::uint16_t port, unsigned bytes);
void port_write(std::uint16_t port, unsigned bytes, std::uint32_t value);

// One page of the kernel's map (boot.hpp) becomes a window on a device's registers: uncached, writable, not executable.
// kernel/memory/device_memory.hpp chooses the addresses. Error::perm: the hypervisor keeps that page for itself.
Result<> map_device_page(Vaddr, Mfn);

// The address by which a device reaches a byte of the linear map; it holds up to the end of the byte's page.
inline Maddr dma_address(void const *p)
{
    auto v = vaddr_of(p);
    return to_maddr(Mmu::to_machine(Pfn{(v - linear_base) >> page_shift}), page_offset(v));
}
// Makes 2^order frames, neighbours in the linear map and used by nobody else, neighbours for devices too. What they hold is
// lost. Error::nomem: there is no such run in the machine; the frames are as they were.
Result<> make_contiguous(Pfn first, unsigned order);

// An interrupt pin, level-triggered as PCI wants it: its GSI, the pin's number at the (first) IO-APIC. Functions may share it: every
// call for the same pin gives the same line. Masked until kernel::attach_interrupt().
Result<Line> bind_pin(unsigned gsi);

// An entry of a function's MSI-X table. `table`: machine address of its first entry.
struct MessageSource {
    std::uint8_t bus, devfn;
    Maddr table;
    std::uint16_t entry;
};
// `address` and `data` are for the caller to write into the entry, unless `written`: then the platform has done so.
struct Message {
    Line line;
    bool written;
    std::uint32_t address, data;
};
Result<Message> bind_message(MessageSource const &);  // Error::nospc: all vectors are in use
void unbind_message(Line);                            // after the entry was masked and the handler detached
}  // namespace arch
