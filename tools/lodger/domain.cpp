// SPDX-License-Identifier: MIT
#include "lodger.hpp"
#include <algorithm>

namespace lodger {
namespace {
constexpr unsigned most_memory_mb = 4096;  // of a machine that the hypervisor boots on
constexpr unsigned hypervisor_mb = 12;     // its heap, its table of frames

std::string quoted(std::string const &text)
{
    std::string out = "\"";
    for (char c : text)
        out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return out + '"';
}

// In the syntax of docs/pvctl.md.
std::string guest_file(Options const &o)
{
    std::string text = "name = \"lodger\"\nkernel = \"/boot/lodger\"\nramdisk = \"/boot/initrd\"\n";
    text += "memory = " + std::to_string(o.memory_mb) + "\n";
    text += "extra = " + quoted(o.kernel_arguments + root_arguments(o)) + "\n";
    if (o.network)
        text += "vif = [ 'bridge=xenbr0' ]\n";
    std::string disks;
    for (auto const &disk : domain_disks(o))
        disks += (disks.empty() ? "" : ", ") + quoted(disk);
    if (!disks.empty())
        text += "disk = [ " + disks + " ]\n";
    return text;
}

// The archive is there twice until it has been unpacked.
unsigned domain0_memory_mb(fs::path const &initrd)
{
    return 20 + static_cast<unsigned>(fs::file_size(initrd) * 2 >> 20);
}
}  // namespace

bool has_own_domain(Options const &o) { return o.architecture == Architecture::pv && !o.domain0; }

void write_domain0_initrd(fs::path const &out, fs::path const &base, fs::path const &guest, Options const &o)
{
    std::string const guest_file_name = "/etc/lodger/guest.cfg";
    auto words = (o.program.empty() ? "" : "--frames ") + guest_file_name;
    write_initrd(out, base, {{"/boot/initrd", guest}},
                 {{"/etc/lodger/foreground", words}, {guest_file_name, guest_file(o)}});
}

unsigned machine_memory_mb(Options const &o, fs::path const &initrd)
{
    if (!has_own_domain(o))
        return o.memory_mb;
    return std::min(o.memory_mb + domain0_memory_mb(initrd) + hypervisor_mb, most_memory_mb);
}

std::string hypervisor_arguments(Options const &o, fs::path const &initrd)
{
    return has_own_domain(o) ? "dom0_mem=" + std::to_string(domain0_memory_mb(initrd)) + "M" : std::string{};
}

std::string domain0_arguments(Options const &o) { return o.network ? "quiet LODGER_NET=bridge" : "quiet"; }
}  // namespace lodger
