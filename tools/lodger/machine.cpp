// SPDX-License-Identifier: MIT
#include "lodger.hpp"
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lodger {
namespace {
// QEMU splits the -initrd list at commas; a doubled comma is one.
std::string escaped(std::string text)
{
    for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 2)
        text.insert(at, 1, ',');
    return text;
}

std::vector<std::string> qemu_command(Options const &o, fs::path const &initrd)
{
    std::vector<std::string> c{"qemu-system-x86_64",
                               "-accel",
                               o.accelerator,
                               "-cpu",
                               o.accelerator == "kvm" ? "host,-avx" : "max,-avx",  // tools/run.mk says why
                               "-smp",
                               std::to_string(o.cpus),
                               "-m",
                               std::to_string(machine_memory_mb(o, initrd)),
                               "-nodefaults",
                               "-display",
                               "none",
                               "-no-reboot",
                               "-chardev",
                               "stdio,id=console,signal=off",
                               "-serial",
                               "chardev:console",
                               "-device",
                               "isa-debug-exit,iobase=0xf4,iosize=0x04"};
    auto disks = disk_options(o);
    c.insert(c.end(), disks.begin(), disks.end());
    auto const arguments = has_own_domain(o) ? domain0_arguments(o) : o.kernel_arguments + root_arguments(o);
    if (o.architecture == Architecture::pv) {
        if (has_own_domain(o))
            c.insert(c.end(), {"-append", hypervisor_arguments(o, initrd)});
        c.insert(c.end(),
                 {"-kernel", image(o, "hv.elf").string(), "-initrd",
                  escaped(image(o, "guestos-pv-x86.elf").string() + " " + arguments) + "," + escaped(initrd.string())});
    } else {
        c.insert(c.end(),
                 {"-kernel", image(o, "guestos-x86.elf").string(), "-initrd", escaped(initrd.string()), "-append",
                  arguments});
    }
    auto network = network_arguments(o);
    c.insert(c.end(), network.begin(), network.end());
    return c;
}

std::vector<std::string> bochs_command(Options const &o, fs::path const &initrd, fs::path const &scratch)
{
    auto tools = fs::path{LODGER_SOURCE} / "tools";
    auto iso = scratch / "boot.iso";
    bool const own_domain = has_own_domain(o);
    auto quoted = [](std::string const &word) { return " '" + word + "'"; };
    auto make_iso = quoted((tools / "make-iso").string()) + quoted(iso.string())
        + quoted(hypervisor_arguments(o, initrd)) + quoted(own_domain ? domain0_arguments(o) : o.kernel_arguments)
        + quoted(image(o, "hv.elf").string()) + quoted(image(o, "guestos-pv-x86.elf").string())
        + quoted(initrd.string()) + " >" + quoted((scratch / "iso.log").string()) + " 2>&1";
    if (std::system(make_iso.c_str()) != 0)
        throw Failure{"the boot CD for Bochs could not be made; is grub-mkrescue installed (`make deps`)?"};
    return {(tools / "run-bochs").string(), "--memory", std::to_string(machine_memory_mb(o, initrd)), iso.string()};
}

fs::path make_scratch()
{
    char name[] = "/tmp/lodger-XXXXXX";
    if (!mkdtemp(name))
        throw Failure{"/tmp cannot be written; is the disk full?"};
    return name;
}

[[noreturn]] void become(std::vector<std::string> const &command, int input, int output, fs::path const &complaints)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // no emulator outlives its command
    if (input >= 0) {
        dup2(input, 0);
        dup2(output, 1);
        int log = open(complaints.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (log >= 0)
            dup2(log, 2);
        setpgid(0, 0);  // ^C at our terminal is for the guest's program
    }
    std::vector<char *> argv;
    for (auto const &s : command)
        argv.push_back(const_cast<char *>(s.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
}
}  // namespace

fs::path image(Options const &options, char const *name)
{
    auto path = options.images / name;
    if (!fs::exists(path))
        throw Failure{path.string() + " is missing; run `make` in Lodger's folder first"};
    return path;
}

Machine::Machine(Options const &options, fs::path const &initrd, bool console) : scratch_{make_scratch()}
{
    complaints_ = scratch_ / "complaints";
    auto command = options.emulator == Emulator::qemu ? qemu_command(options, initrd)
                                                      : bochs_command(options, initrd, scratch_);
    if (console && options.emulator == Emulator::qemu)  // ^A x ends QEMU
        for (auto &word : command)
            if (word == "stdio,id=console,signal=off")
                word += ",mux=on";
    if (console)
        command.insert(command.end(), options.emulator == Emulator::qemu ? 2u : 0u, "");
    if (console && options.emulator == Emulator::qemu) {
        command[command.size() - 2] = "-mon";
        command.back() = "chardev=console";
    }

    int to[2] = {-1, -1}, from[2] = {-1, -1};
    if (!console && (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to) != 0 || pipe2(from, O_CLOEXEC) != 0))
        throw Failure{std::string{"no pipes to the emulator: "} + std::strerror(errno)};
    child_ = fork();
    if (child_ < 0)
        throw Failure{std::string{"no process for the emulator: "} + std::strerror(errno)};
    if (child_ == 0)
        become(command, console ? -1 : to[1], console ? -1 : from[1], complaints_);
    lengthen_queues(child_, forwarded_ports(options));
    if (!console) {
        close(to[1]);
        close(from[1]);
        to_guest_ = to[0];
        from_guest_ = from[0];
        fcntl(to_guest_, F_SETFL, O_NONBLOCK);
    }
}

Machine::~Machine()
{
    if (child_ > 0) {
        kill(child_, SIGTERM);  // run-bochs ends its Bochs on SIGTERM
        for (int i = 0; i < 100 && waitpid(child_, nullptr, WNOHANG) == 0; ++i)
            usleep(10'000);
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    if (to_guest_ >= 0)
        close(to_guest_);
    if (from_guest_ >= 0)
        close(from_guest_);
    std::error_code ignored;
    fs::remove_all(scratch_, ignored);
}

int Machine::wait()
{
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Machine::complaint() const
{
    std::ifstream file(complaints_);
    return {std::istreambuf_iterator<char>{file}, {}};
}
}  // namespace lodger
