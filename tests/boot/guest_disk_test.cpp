// SPDX-License-Identifier: MIT
// A disk of another domain's: blkfront in it, blkback in domain 0, pvctl between them. The guest's root is on it; what the guest leaves
// is judged by e2fsprogs on the host.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace fs = std::filesystem;

TEST_CASE("a guest's root is on a disk that domain 0 serves", "[disk][guest-disk]")
{
    auto const image = built("tests/boot/guest-disk" + std::to_string(getpid()) + ".img"), folder = image + ".files";
    fs::create_directories(folder);
    REQUIRE(run_command({"cp", "--sparse=always", built("root-busybox.img"), image}).status == 0);
    std::ofstream(folder + "/work") << "#!/bin/sh\nmount -t proc proc /proc\ngrep ' / ' /proc/mounts >/mounted\n"
                                       "seq 50000 >/numbers; mkdir /d; mv /numbers /d; sync\n"
                                       "dd if=/dev/xvdb of=/second bs=4k 2>/dev/null\n"
                                       "echo x >/dev/xvdb && echo written >/bad\n"
                                       "mount -o remount,ro / && poweroff -f\n";
    std::ofstream(folder + "/guest.cfg")
        << "name = \"g\"\nkernel = \"/boot/lodger\"\nramdisk = \"/boot/initrd.cpio\"\nmemory = 64\n"
           "extra = \"root=/dev/xvda rw init=/work\"\n"
           "disk = [\"/dev/vda,raw,xvda,w\", \"/second,raw,xvdb,r\"]\n";
    REQUIRE(run_command({"debugfs", "-w", "-R", "write " + folder + "/work work", image}).status == 0);
    REQUIRE(run_command({"debugfs", "-w", "-R", "sif work mode 0100755", image}).status == 0);
    auto dom0 = run_command(
        {built("lodger"), "run", "--mem", "320", "--initrd", built("dom0.cpio"), "--disk", image, "--file",
         folder + "/guest.cfg:/guest.cfg", "--", "sh", "-c",
         "seq 1000000 1010000 | head -c 65536 >/second; pvctl create /guest.cfg || exit 9;"
         "for i in $(seq 200); do pvctl list g >/dev/null 2>&1 || break; sleep 1; done; sha256sum </second;"
         "pvctl list; dmesg | grep vbd; cat /var/log/xen/console/* 2>/dev/null | tail -n 30"},
        {}, 400);
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    auto check = run_command({"e2fsck", "-fn", image});
    INFO(check.output);
    CHECK(check.status == 0);
    auto file = [&](std::string const &name) { return run_command({"debugfs", "-R", "cat " + name, image}).output; };
    CHECK(file("/mounted").find("/dev/xvda") != std::string::npos);
    CHECK(file("/d/numbers") == run_command({"seq", "50000"}).output);
    CHECK(file("/second") == run_command({"sh", "-c", "seq 1000000 1010000 | head -c 65536"}).output);
    CHECK(file("/bad") == "");
    fs::remove(image);
    fs::remove_all(folder);
}
