// SPDX-License-Identifier: MIT
// The console: the hypervisor's log, the control domain's console_io, and who gets what is typed.
#pragma once
#include <cstdint>
#include <hv/serial.hpp>

namespace hv {
void console_start_input();  // the interrupt controller is ready
void serial_interrupt();     // only notes that there is input
void console_work();         // takes it: at the end of every entry, never inside one
void console_drain();
// Bytes of the log from *index on (a running number; moved up if they are gone); how many.
std::uint32_t read_log_ring(std::uint32_t *index, char *out, std::uint32_t bytes);
void log_ring_put(char const *text, std::uint32_t bytes);
void debug_key(char key);  // debug_keys.cpp
}  // namespace hv
