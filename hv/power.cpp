// SPDX-License-Identifier: MIT
// Switching the machine off and on again, with what QEMU and Bochs offer:
//   0x604 <- 0x2000   ACPI PM1a control of QEMU (PIIX4 as SeaBIOS sets it up), soft off
//   0xb004 <- 0x2000  the same in Bochs and old QEMU
//   0x8900 <- text    Bochs ends the emulation
//   0xf4 <- status    QEMU's isa-debug-exit, if it is there: exit status 2 * status + 1
#include <cstring>
#include <hv/console.hpp>
#include <hv/cpu.hpp>
#include <hv/log.hpp>
#include <hv/options.hpp>
#include <hv/power.hpp>
#include <lib/x86/priv.hpp>
#include <pv/sched.h>

namespace hv {
namespace {

constexpr std::uint16_t soft_off = 0x2000;
bool no_reboot;

[[noreturn]] void halt_for_ever()
{
    for (;;) {
        x86::cli();
        x86::hlt();
    }
}

}  // namespace

void power_init(char const *command_line) { no_reboot = has_option(command_line, "noreboot"); }

void machine_power_off(int status)
{
    log("power off, status %d", status);
    console_drain();
    if (status)
        x86::outb(0xf4, static_cast<std::uint8_t>(status));
    // Each of these ends one kind of machine, some a moment later. The debug exit is none of them: its status is never 0.
    x86::outw(0x604, soft_off);
    x86::outw(0xb004, soft_off);
    for (char const *c = "Shutdown"; *c; ++c)
        x86::outb(0x8900, static_cast<std::uint8_t>(*c));
    halt_for_ever();
}

void machine_reboot()
{
    if (no_reboot)
        machine_power_off(0);
    log("reboot");
    console_drain();
    for (unsigned i = 0; i < 10000 && (x86::inb(0x64) & 2); ++i)  // keyboard controller ready
        x86::pause();
    x86::outb(0x64, 0xfe);  // pulse the reset line
    x86::outb(0xcf9, 6);
    x86::lidt({0, 0});  // no handler for anything: triple fault
    asm volatile("int3");
    halt_for_ever();
}

void end_of_control_domain(unsigned reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff: machine_power_off(0);
    case SHUTDOWN_reboot:
    case SHUTDOWN_watchdog:
    case SHUTDOWN_soft_reset: machine_reboot();
    default: machine_power_off(1);
    }
}

}  // namespace hv
