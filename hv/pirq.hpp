// SPDX-License-Identifier: MIT
// Interrupts of devices, given to domain 0 as events. A pirq is the guest's name for one:
//
//   0 .. 15    lines of the two 8259, by their number (GSI)       irq.cpp      vectors 0x20 .. 0x2f
//   24 .. 63   entries of MSI-X tables                            message.cpp  vectors 0x30 .. 0x57
//
//   line    interrupt -> line masked, pirq due -> event  ...  PHYSDEVOP_eoi -> line unmasked
//   message interrupt -> pirq due -> event
//
// What must hold: an interrupt only marks its pirq (it may have come out of the idle loop); pirq_work(), on the way to a
// guest, sends the event. A line stays masked from its interrupt until its domain has said that it dealt with it: whatever a device or a
// domain does, a line interrupts once for each such word. A vector is chosen here and never by a guest.
#pragma once
#include <cstdint>
#include <hv/domain.hpp>
#include <lib/result.hpp>
#include <pv/physdev.h>

namespace hv {
inline constexpr unsigned pirq_lines = 16, first_message_pirq = 24, message_pirqs = 40;
inline constexpr unsigned max_pirqs = first_message_pirq + message_pirqs;

// --- pirq.cpp
struct MessageSlot {  // an entry of a function's table
    std::uint8_t bus, devfn;
    std::uint16_t entry;
    std::uint64_t address;  // machine address of the entry
};
Result<unsigned> map_line_pirq(Domain &, unsigned gsi);                 // Error::busy: the hypervisor's own line
Result<unsigned> map_message_pirq(Domain &, physdev_map_pirq const &);  // Error::nospc: no vector is left
Result<> unmap_pirq(Domain &, std::int32_t pirq);                       // Error::busy: a port is bound to it
Result<> end_of_pirq(Domain &, std::uint32_t pirq);
Result<bool> pirq_needs_end(Domain &, std::uint32_t pirq);
// Error::inval: not mapped. Error::exist: bound already.
Result<> bind_pirq(Domain &, std::uint32_t pirq, unsigned port);
void unbind_pirq(unsigned pirq);  // its port was closed: it interrupts no more

// From interrupts. A line is masked, whether or not it is anybody's.
void line_pirq_interrupt(unsigned line);
void message_pirq_interrupt(unsigned vector);
void pirq_work();  // sends the events that are due

// --- message.cpp
// Finds the entry in the function's own table and checks what the guest says of it. Error::nodev: no such function or no MSI-X;
// Error::inval: entry or table are not what configuration space says; Error::nxio: the function does not answer in memory.
Result<MessageSlot> find_message(physdev_map_pirq const &);
void arm_message(MessageSlot const &, unsigned vector);
void disarm_message(MessageSlot const &);
bool holds_messages(Mfn);  // a page of a table in use: nobody else writes there
}  // namespace hv
