// SPDX-License-Identifier: MIT
// CONTRACT kernel -> arch: the rest of the machine.
#pragma once
#include <cstddef>
#include <cstdint>

namespace arch {
// The console. Works before and after everything else; a write of up to 512 bytes reaches the wire contiguously.
void console_write(char const *, std::size_t);
// How much of a write would go out now, without waiting for whoever reads the console. When there is room again after there was
// little, kernel::on_console_input() is called.
std::size_t console_room();
// What has arrived; returns the number of bytes, 0: nothing. kernel::on_console_input() announces it, in interrupt context.
std::size_t console_read(char *, std::size_t);
[[noreturn]] void power_off(int status);  // status reaches whoever started the machine
[[noreturn]] void reboot();
[[noreturn]] void halt_forever();       // after a panic: status 1
void random_seed(void *, std::size_t);  // the best entropy the machine has (rdrand, TSC jitter)
// Starts the drivers that arch.mk linked in: each registers itself in the `drivers` section.
void start_drivers();
}  // namespace arch
