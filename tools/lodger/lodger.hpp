// SPDX-License-Identifier: MIT
// lodger, the user's command: boots the guest headless and runs one program in it, or gives the guest's console.
#pragma once
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <vector>

namespace lodger {
namespace fs = std::filesystem;

// Ends the command with one sentence on standard error and this exit status.
struct Failure : std::runtime_error {
    explicit Failure(std::string const &sentence, int exit_status = 125)
        : std::runtime_error{sentence}, status{exit_status}
    {
    }
    int status;
};
inline constexpr int status_own_failure = 125;  // as timeout(1) and env(1): 125 ours, 126 not runnable, 127 not found
inline constexpr int status_not_runnable = 126;
inline constexpr int status_not_found = 127;
inline constexpr int status_timeout = 124;

enum class Emulator { qemu, bochs };
enum class Architecture { pv, native };

struct Options {
    fs::path images;                 // the folder of this command: hv.elf, guestos-*.elf, initrd.cpio.gz
    fs::path initrd;                 // another base archive; empty: the one in images
    std::vector<std::string> files;  // HOST:GUEST
    unsigned memory_mb = 256, cpus = 1;
    Emulator emulator = Emulator::qemu;
    Architecture architecture = Architecture::pv;
    std::string accelerator = "tcg";
    std::string kernel_arguments;
    bool domain0 = false;            // the program gets domain 0, rather than a domain of its own
    std::vector<std::string> disks;  // FILE[:ro]
    std::string root;                // the same; the first disk, and the guest's root
    bool network = false, open_network = false;
    std::vector<std::string> forwards;  // HOSTPORT:GUESTPORT[/udp]
    double timeout_seconds = 0;         // 0: none
    std::string log_file;
    std::vector<std::string> program;  // program and arguments
};

// program.cpp: what goes into the guest for this program. Guest path -> host path.
struct Placement {
    std::string guest;
    fs::path host;
};
struct Program {
    std::vector<std::string> arguments;  // [0] is the guest's name for the program
    std::vector<Placement> files;
};
Program plan_program(Options const &);
std::vector<Placement> plan_files(Options const &);  // --file only (boot)

// network.cpp: checks --net, --net-open and --forward, and puts what the guest must know on its command line.
void prepare_network(Options &);
std::vector<std::string> network_arguments(Options const &);  // QEMU's
std::vector<unsigned> forwarded_ports(Options const &);       // TCP's, of this host

// backlog.cpp: lets more than one connection at once wait at each of these ports, where QEMU, our child, listens.
void lengthen_queues(pid_t, std::vector<unsigned> const &ports);

// archive.cpp: a cpio archive (newc) of files, their folders and one file from memory, put behind the base archive.
void write_initrd(fs::path const &out, fs::path const &base, std::vector<Placement> const &,
                  std::string const &run_request);  // also their names, for init: /etc/lodger/files
struct Text {
    std::string path, content;
};
void write_initrd(fs::path const &out, fs::path const &base, std::vector<Placement> const &, std::vector<Text> const &);

// domain.cpp: a domain of its own for the program, started by domain 0:
//
//     the emulator's initrd:  domain 0's archive | boot/initrd: the guest's archive
//                                                | etc/lodger/foreground, guest.cfg: what domain 0 does with it
bool has_own_domain(Options const &);
// Makes the first from the second, the guest's.
void write_domain0_initrd(fs::path const &out, fs::path const &base, fs::path const &guest, Options const &);
// Of the emulator, the hypervisor and domain 0, all three for this initrd.
unsigned machine_memory_mb(Options const &, fs::path const &initrd);
std::string hypervisor_arguments(Options const &, fs::path const &initrd);
std::string domain0_arguments(Options const &);

// disks.cpp: QEMU's options for --root and --disk, in this order: vda, vdb, ... Failure for what is no disk image.
std::vector<std::string> disk_options(Options const &);
std::vector<std::string> domain_disks(Options const &);  // the same as xvda, xvdb, ...: elements of a guest file's `disk`
std::string root_arguments(Options const &);             // for the kernel's command line

// machine.cpp: a file of the build; Failure if it is missing.
fs::path image(Options const &, char const *name);
// The emulator as a child process.
class Machine {
public:
    Machine(Options const &, fs::path const &initrd, bool console);  // console: the child owns our terminal
    ~Machine();                                                      // kills what still runs
    Machine(Machine const &) = delete;
    Machine &operator=(Machine const &) = delete;
    int to_guest() const { return to_guest_; }
    int from_guest() const { return from_guest_; }
    int wait();                     // exit status as a shell gives it
    std::string complaint() const;  // what the emulator wrote to standard error

private:
    int child_ = -1, to_guest_ = -1, from_guest_ = -1;
    fs::path complaints_;
    fs::path scratch_;
};

int run(Options const &);  // session.cpp
int boot(Options const &);
}  // namespace lodger
