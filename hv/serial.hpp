// SPDX-License-Identifier: MIT
// The 16550 UART at COM1: bytes out at once, bytes in by interrupt.
#pragma once
#include <cstddef>

namespace hv {
inline constexpr unsigned serial_irq = 4;

bool serial_init();                                       // false: there is none
void serial_write(char const *bytes, std::size_t count);  // returns when the UART has taken them all
void serial_drain();                                      // waits until they are on the wire
bool serial_has_input();
char serial_read();  // precondition: serial_has_input()
// Interrupts for received bytes. Off: bytes stay in the UART, and the sender (QEMU, a modem line) waits.
void serial_receive_interrupts(bool on);
}  // namespace hv
