// SPDX-License-Identifier: MIT
#include <arch/platform.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>
#include <linux/reboot.h>

namespace kernel {
namespace {
bool is_magic(std::uint32_t a, std::uint32_t b)
{
    return a == LINUX_REBOOT_MAGIC1
        && (b == LINUX_REBOOT_MAGIC2 || b == LINUX_REBOOT_MAGIC2A || b == LINUX_REBOOT_MAGIC2B
            || b == LINUX_REBOOT_MAGIC2C);
}

// An emulated machine that halts with its power on is of no use to whoever started it, so halting powers off too.
Result<> sys_reboot(std::uint32_t magic, std::uint32_t magic2, std::uint32_t command)
{
    constexpr unsigned cap_sys_boot = 22;
    if (!current().credentials.has_cap(cap_sys_boot))
        return Error::perm;
    if (!is_magic(magic, magic2))
        return Error::inval;
    switch (command) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF: return {};
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2: log("Restarting\n"); arch::reboot();
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF: log("Power off\n"); arch::power_off(0);
    }
    return Error::inval;
}
SYSCALL(reboot, 88, sys_reboot);
}  // namespace
}  // namespace kernel
