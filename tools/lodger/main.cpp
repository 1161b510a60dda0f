// SPDX-License-Identifier: MIT
#include "lodger.hpp"
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>

namespace {
using namespace lodger;

void add_machine_options(CLI::App &command, Options &o)
{
    command.add_option("--file", o.files, "Put a file or folder into the guest (repeatable)")
        ->type_name("HOST:GUEST")
        ->allow_extra_args(false);
    command.add_option("--initrd", o.initrd, "The guest's files, instead of busybox and what belongs to it")
        ->type_name("CPIO");
    command.add_option("--root", o.root, "A disk image as the guest's root file system; :ro leaves it as it is")
        ->type_name("IMAGE[:ro]");
    command
        .add_option("--disk", o.disks,
                    "A disk image for the guest, /dev/xvda and up, in ring 0 or domain 0 /dev/vda (repeatable)")
        ->type_name("FILE[:ro]")
        ->allow_extra_args(false);
    command.add_flag("--dom0", o.domain0, "Give the program domain 0 itself, rather than a domain of its own");
    command
        .add_option("--mem", o.memory_mb,
                    "Memory of the guest: of its domain, or of the machine with --dom0 or --arch native")
        ->type_name("MB")
        ->capture_default_str()
        ->check(CLI::Range(16u, 4096u));
    command.add_option("--cpus", o.cpus, "Processors of the machine (the guest uses one)")
        ->capture_default_str()
        ->check(CLI::Range(1u, 8u));
    command.add_option("--emulator", o.emulator, "qemu, or bochs, which enforces segment limits")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Emulator>{{"qemu", Emulator::qemu}, {"bochs", Emulator::bochs}}));
    command.add_option("--arch", o.architecture, "pv: ring 1 over the hypervisor; native: ring 0, no hypervisor")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Architecture>{{"pv", Architecture::pv}, {"native", Architecture::native}}));
    command.add_option("--accel", o.accelerator, "QEMU's accelerator: tcg, or kvm where it works")
        ->capture_default_str()
        ->check(CLI::IsMember({"tcg", "kvm"}));
    command.add_flag("--net", o.network,
                     "Give the machine a network of its own: DHCP, and nothing beyond it but --forward");
    command.add_flag(
        "--net-open", o.open_network,
        "The same, and the guest reaches this machine's loopback (10.0.2.2) and what this machine reaches");
    command
        .add_option("--forward", o.forwards,
                    "Connections to 127.0.0.1:HOSTPORT reach the guest's port (repeatable); implies --net")
        ->type_name("HOSTPORT:GUESTPORT[/udp]")
        ->allow_extra_args(false);
    command.add_option("--kernel-append", o.kernel_arguments, "Words for the guest kernel's command line")->type_name("TEXT");
}
// A standard stream that the caller closed would be given to the next file that is opened.
void fill_standard_streams()
{
    for (int fd : {0, 1, 2})
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            std::exit(status_own_failure);
}
}  // namespace

int main(int argc, char **argv)
{
    fill_standard_streams();
    Options options;
    CLI::App app{"Boots the Lodger guest and runs unmodified i386 Linux programs in it."};
    app.name("lodger");
    app.require_subcommand(1);
    app.footer(
        "Exit status of `run`: the program's own; 128+N if signal N ended it; 124 time-out; 125 lodger or the machine\n"
        "failed; 126 the program cannot run in the guest; 127 it was not found. More: man -l docs/lodger.1");

    auto run_command = app.add_subcommand("run", "Run one program in the guest, its standard streams connected to ours");
    add_machine_options(*run_command, options);
    run_command->add_option("--timeout", options.timeout_seconds, "Give up after so many seconds")
        ->type_name("S")
        ->check(CLI::NonNegativeNumber);
    run_command->add_option("--log", options.log_file, "Where the kernel's and the hypervisor's messages go")
        ->type_name("FILE");
    run_command
        ->add_option("program", options.program,
                     "A command of the guest, or the path of an i386 program here; then its arguments")
        ->required();
    run_command->positionals_at_end();

    auto boot_command = app.add_subcommand("boot", "Boot the guest with its console on this terminal (Ctrl-A x ends it)");
    add_machine_options(*boot_command, options);

    CLI11_PARSE(app, argc, argv);
    try {
        options.images = fs::read_symlink("/proc/self/exe").parent_path();
        if (options.emulator == Emulator::bochs && options.architecture == Architecture::native)
            throw Failure{"--emulator bochs boots the hypervisor; leave --arch native out"};
        prepare_network(options);
        if (options.emulator == Emulator::bochs && (!options.root.empty() || !options.disks.empty()))
            throw Failure{"Bochs has no virtio disks; leave --emulator bochs out"};
        return run_command->parsed() ? run(options) : boot(options);
    } catch (Failure const &failure) {
        std::cerr << "lodger: " << failure.what() << '\n';
        return failure.status;
    } catch (std::exception const &error) {
        std::cerr << "lodger: " << error.what() << '\n';
        return status_own_failure;
    }
}
