// SPDX-License-Identifier: MIT
// The local APIC of this processor. SDM Vol. 3A chapter 10.
#pragma once
#include <cstdint>

namespace hv {
void apic_init();
bool apic_present();
void apic_end_of_interrupt();
void apic_timer_start(std::uint32_t ticks);  // one shot; 0 stops it
std::uint32_t apic_timer_left();
std::uint32_t apic_id();
}  // namespace hv
