// SPDX-License-Identifier: MIT
// The order in which the kernel comes up. Each step needs only those above it.
//
//   log -> frames (and with them the heap) -> processor, interrupts, clock -> scheduler -> file systems -> devices -> drivers
//       -> init -> idle
#include <arch/platform.hpp>
#include <arch/upcalls.hpp>
#include <arch/vdso.hpp>
#include <kernel/block/block_device.hpp>
#include <kernel/command_line.hpp>
#include <kernel/fs/file.hpp>
#include <kernel/fs/init.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/net/thread.hpp>
#include <kernel/process/init.hpp>
#include <kernel/process/schedule.hpp>
#include <kernel/time/clock.hpp>
#include <kernel/tty/init.hpp>

namespace kernel {
namespace {
constinit CommandLine options;
constinit char const *given_command_line = "";

void welcome(arch::BootInfo const &boot)
{
    auto counts = frame_counts();
    log("Lodger on %s, command line: %s", boot.platform_name, given_command_line);
    log("memory: %u KB, %u KB free; initrd: %u KB", boot.nr_frames * 4, counts.free * 4, boot.initrd_bytes / 1024);
}

void give_initrd_back(arch::BootInfo const &boot)
{
    if (boot.initrd_bytes == 0)
        return;
    auto first = frame_of_address(pointer_to<void>(page_ceil(boot.initrd)));
    auto end = frame_of_address(pointer_to<void>(page_floor(boot.initrd + boot.initrd_bytes)));
    if (end > first)
        release_boot_frames(first, end - first);
}
}  // namespace

namespace {
void start_vdso()
{
    auto made = arch::vdso_init();
    if (!made.ok())
        panic("no memory for the vDSO: error %d", to_errno(made));
    publish_realtime();
}
}  // namespace

char const *command_line() { return given_command_line; }

void main(arch::BootInfo const &boot)
{
    given_command_line = boot.command_line;
    parse_command_line(boot.command_line, options);
    set_console_log_level(options.log_level);
    frames_init(boot.nr_frames, boot.first_free);
    arch::cpu_init();
    arch::irq_init();
    arch::clock_init();
    log_has_clock();
    start_vdso();
    welcome(boot);
    scheduler_init();
    arch::IrqFlags::enable();
    fs_init(boot);
    give_initrd_back(boot);
    start_write_back_threads();
    devices_init();
    block_init();
    net::net_init();
    arch::start_drivers();

    static constinit InitProgram program{};
    bool const has_initrd = boot.initrd_bytes != 0, has_root = !option_value("root=").empty();
    // Where an initrd mounts the root, init= names the root's program: the initrd's own starts it.
    program = {has_initrd && has_root ? nullptr : options.init, options.arguments, options.environment,
               has_root && !has_initrd};
    start_init(program);
    idle();
}
}  // namespace kernel
