// SPDX-License-Identifier: MIT
// A guest whose root, and another disk, are disks that domain 0 serves.
#include "host.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <paths.hpp>

TEST_CASE("a guest's root is on a disk that domain 0 serves, and is clean afterwards", "[guest-disk]")
{
    Image image{"root"}, config{"config"};
    image.copy_of(built("root-busybox.img"));
    image.add_program("work",
                      "#!/bin/sh\nmount -t proc proc /proc\ngrep ' / ' /proc/mounts >/mounted\n"
                      "seq 50000 >/numbers; mkdir /d; mv /numbers /d; sync\n"
                      "dd if=/dev/xvdb of=/second bs=4k 2>/dev/null\n"
                      "echo x >/dev/xvdb && echo written >/bad\n"
                      "blkdiscard -o 131072 -l 262144 /dev/xvdc; echo $? >/discarded\n"
                      "mount -o remount,ro / && poweroff -f\n");
    std::ofstream(config.path) << guest_file("root=/dev/xvda rw init=/work",
                                             "\"/dev/vda,raw,xvda,w\", \"file:/second,xvdb,r\", \"/third,raw,xvdc,w\"");
    auto dom0 = in_domain_0(
        {"--disk", image.path, "--file", config.path + ":/g.cfg"},
        "seq 1000000 1010000 | head -c 65536 >/second; yes third | head -c 1048576 >/third;"
        "pvctl create /g.cfg || exit 9;"
            + until_guest_ends
            + "du -k /third; (yes third | head -c 131072; head -c 262144 /dev/zero; yes third | head -c 1048576 | "
              "tail -c +393217) | cmp - /third && echo as it should be; dmesg | grep vbd; cat /var/log/xen/console/*");
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    CHECK(image.is_clean());
    CHECK(image.file("/mounted").find("/dev/xvda") != std::string::npos);
    auto same = [&](std::string const &inside, std::string const &command) {
        return image.file(inside) == run_command({"sh", "-c", command}).output;
    };
    CHECK(same("/d/numbers", "seq 50000"));
    CHECK(same("/second", "seq 1000000 1010000 | head -c 65536"));
    CHECK(image.file("/bad") == "");
    // What was discarded is a hole of the file.
    CHECK(image.file("/discarded") == "0\n");
    CHECK(dom0.output.starts_with("768\t/third\nas it should be\n"));
}

TEST_CASE("a disk that cannot be served is one sentence, and there is no such guest", "[guest-disk][bad-input]")
{
    Image image{"bad"};
    image.shell("mke2fs -q -F -t ext2 $0 4M");
    auto dom0 = in_domain_0(
        {"--disk", image.path + ":ro", "--disk", built("root-busybox.img") + ":ro"},
        "try() { echo 'name=\"g\"\nkernel=\"/boot/lodger\"\nmemory=32\ndisk=[\"'$1'\"]' >/g.cfg; pvctl create /g.cfg; "
        "};"
        "truncate -s 100 /small; cat /dev/vda >/one; mkdir /mnt/m; losetup /dev/loop5 /one;"
        "try /none,raw,xvda,w; try /dev/vdc,raw,xvda,w; try /small,raw,xvda,w; try /mnt,raw,xvda,w; try "
        "/dev/vda,raw,xvda,w;"
        "try /dev/null,raw,xvda,r; try /one,raw,xvda,w; losetup -d /dev/loop5;"
        "mount -t ext2 -o loop /one /mnt/m; try file:/one,xvdb,w; umount /mnt/m;"
        "pvctl list | wc -l; losetup -a");
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    CHECK(dom0.error_output
          == "pvctl: xvda: /none: there is no such file or device\n"
             "pvctl: xvda: /dev/vdc: there is no such file or device\n"
             "pvctl: xvda: /small: it is empty: a disk has one sector of 512 bytes at least\n"
             "pvctl: xvda: /mnt: it is neither a block device nor a regular file\n"
             "pvctl: xvda: /dev/vda: it can only be read: the access has to be r\n"
             "pvctl: xvda: /dev/null: it is neither a block device nor a regular file\n"
             "pvctl: xvda: /one: it is in use: mounted, or another domain writes to it\n"
             "pvctl: xvdb: /one: it is in use: mounted, or another domain writes to it\n");
    CHECK(dom0.output == "2\n");  // the header and domain 0
}
