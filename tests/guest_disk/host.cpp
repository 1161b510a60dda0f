// SPDX-License-Identifier: MIT
#include "host.hpp"
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <paths.hpp>
#include <unistd.h>

namespace fs = std::filesystem;

Image::Image(std::string const &name) : path{built("tests/guest_disk/" + name + std::to_string(getpid()) + ".img")} {}

Image::~Image()
{
    fs::remove(path);
    fs::remove(path + ".file");
}

void Image::copy_of(std::string const &other) const
{
    REQUIRE(run_command({"cp", "--sparse=always", other, path}).status == 0);
}

void Image::shell(std::string const &script) const
{
    auto made = run_command({"sh", "-euc", script, path});
    INFO(made.output << made.error_output);
    REQUIRE(made.status == 0);
}

void Image::add_program(std::string const &inside, std::string const &text) const
{
    std::ofstream(path + ".file") << text;
    shell("debugfs -w -R \"write $0.file " + inside + "\" $0; debugfs -w -R \"sif " + inside + " mode 0100755\" $0");
}

std::string Image::file(std::string const &inside) const
{
    return run_command({"debugfs", "-R", "cat " + inside, path}).output;
}

bool Image::is_clean() const
{
    auto check = run_command({"e2fsck", "-fn", path});
    UNSCOPED_INFO(check.output);
    return check.status == 0;
}

std::string guest_file(std::string const &command_line, std::string const &disks)
{
    return "name = \"g\"\nkernel = \"/boot/lodger\"\nramdisk = \"/boot/initrd.cpio\"\nmemory = 64\nextra = \""
        + command_line + "\"\ndisk = [" + disks + "]\n";
}

// Domain 0 begins with all memory there is. The balloon takes a moment.
static std::string const
    make_room = "pvctl mem-set 0 200; n=0; until [ $(pvctl list 0 | awk 'NR==2{print $3}') -le 200 ] || "
                "[ $n = 100 ]; do n=$((n+1)); sleep 0.1; done; ";

Outcome in_domain_0(std::vector<std::string> const &options, std::string const &script, double seconds)
{
    std::vector<std::string> command{built("lodger"), "run", "--dom0", "--mem", "320", "--initrd", built("dom0.cpio")};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", "sh", "-c", make_room + script});
    return run_command(command, {}, seconds);
}

std::string const
    until_guest_ends = "n=0; while pvctl list g >/dev/null 2>&1 && [ $n -lt 600 ]; do n=$((n+1)); sleep 0.2; done;";
