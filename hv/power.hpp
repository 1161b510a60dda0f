// SPDX-License-Identifier: MIT
// The end of the machine (power.cpp; machine_power_off and machine_reboot are in cpu.hpp).
#pragma once

namespace hv {
void power_init(char const *command_line);  // "noreboot": stop where a reboot was due
[[noreturn]] void end_of_control_domain(unsigned reason);
}  // namespace hv
