// SPDX-License-Identifier: MIT
// Debian's GRUB for paravirtual guests, with a block front end of its own, finds grub.cfg on the guest's disk, and our kernel.
#include "host.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <paths.hpp>

TEST_CASE("PV GRUB boots the kernel from the guest's own disk, as its grub.cfg says", "[guest-disk][grub]")
{
    Image image{"grub"}, config{"grub-config"};
    image.copy_of(built("root-busybox.img"));
    image.add_program("work",
                      "#!/bin/sh\nmount -t proc proc /proc\ncat /proc/cmdline >/booted\n"
                      "mount -o remount,ro / && poweroff -f\n");
    std::ofstream(config.path)
        << "set timeout=0\nmenuentry Lodger {\n  linux /boot/lodger root=/dev/xvda rw init=/work from=grub\n"
           "  initrd /boot/initrd.cpio\n}\n";
    image.shell("debugfs -w -R 'mkdir boot' $0; debugfs -w -R 'mkdir boot/grub' $0;"
                "debugfs -w -R 'write "
                + config.path
                + " boot/grub/grub.cfg' $0;"
                  "debugfs -w -R 'write "
                + built("guest-kernel.elf")
                + " boot/lodger' $0;"
                  "debugfs -w -R 'write "
                + built("initrd.cpio") + " boot/initrd.cpio' $0; e2fsck -fn $0");
    std::ofstream(config.path)
        << "name='g'\nkernel='/boot/grub-i386-xen.bin'\nmemory=96\ndisk=['/dev/vda,raw,xvda,w']\n";
    auto dom0 = in_domain_0({"--disk", image.path, "--file", config.path + ":/g.cfg", "--file",
                             built("tests/domains/grub-i386-xen.bin") + ":/boot/grub-i386-xen.bin"},
                            "pvctl create /g.cfg || exit 9;" + until_guest_ends
                                + "pvctl list g 2>/dev/null; dmesg | tail -n 5; cat /var/log/xen/console/*");
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    CHECK(image.is_clean());
    CHECK(image.file("/booted").find("root=/dev/xvda rw init=/work from=grub") != std::string::npos);
}
