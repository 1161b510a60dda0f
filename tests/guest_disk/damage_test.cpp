// SPDX-License-Identifier: MIT
// Disks that fail, are full, too short, or damaged: the guest's programs get errors that say so, and nothing else is lost.
#include "host.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <paths.hpp>

namespace {
char const work[] = R"(#!/bin/sh
{
mkdir /b /c /d /e /f
mount -t proc proc /proc
mount -t ext2 /dev/xvdb /b
cat /b/bad >/dev/null; echo "read: $?"
seq 20000 | cmp - /b/good; echo "its neighbour: $?"
dd if=/dev/zero of=/b/late bs=1k count=100 conv=notrunc,fsync 2>&1 | grep -v records; cat /b/late >/dev/null; echo "after a lost write: $?"
echo new >/b/new; sync; umount /b; echo "unmount: $?"
mount -t ext2 /dev/xvdc /c
seq 20000 >/c/before
dd if=/dev/zero of=/c/much bs=64k 2>&1 | grep -v records
seq 20000 | cmp - /c/before; rm /c/much; echo again >/c/again; umount /c; echo "full: $?"
mount -t ext2 /dev/xvdd /d
dd if=/dev/urandom of=/d/much bs=64k count=100 conv=fsync 2>&1 | grep -v records; umount /d
mount -t ext2 /dev/xvde /e; echo "short: $?"
mount -t ext2 /dev/xvdf /f; echo "damaged: $?"
} >/out 2>&1
dmesg | grep -v 'command line' | grep -e xvd -e EXT2 -e ext2 >/messages
mount -o remount,ro / && poweroff -f
)";

// The first sector of the file, 64 KB into it: block numbers as debugfs prints them, of 1 KB.
std::string sector_within(Image const &image, std::string const &file)
{
    auto blocks = run_command({"debugfs", "-R", "bmap " + file + " 64", image.path}).output;
    return std::to_string(std::stoul(blocks) * 2);
}
}  // namespace

TEST_CASE("errors of a guest's disk are errors of its programs, and nothing else is lost", "[guest-disk][damage]")
{
    Image root{"damage"}, faulty{"faulty"}, shorter{"short"}, damaged{"damaged"}, config{"damage-config"};
    root.copy_of(built("root-busybox.img"));
    root.add_program("work", work);
    faulty.shell("mke2fs -q -F -t ext2 -b 1024 $0 8M; seq 20000 >$0.file; for f in good bad late; do "
                 "debugfs -w -R \"write $0.file $f\" $0; done");
    shorter.shell("mke2fs -q -F -t ext2 -b 1024 $0 8M; truncate -s 3M $0");
    damaged.shell("mke2fs -q -F -t ext2 -b 1024 $0 2M; dd if=/dev/urandom of=$0 bs=1k seek=1 count=1 conv=notrunc");
    std::ofstream(config.path) << guest_file(
        "root=/dev/xvda rw init=/work",
        "'/dev/vda,raw,xvda,w', '/dev/vdb,raw,xvdb,w,test-fail-read=" + sector_within(faulty, "bad")
            + "+8,test-fail-write=" + sector_within(faulty, "late")
            + "+8', '/full,raw,xvdc,w', '/small/sparse,raw,xvdd,w', '/dev/vdc,raw,xvde,w', '/dev/vdd,raw,xvdf,w'");
    auto dom0 = in_domain_0(
        {"--disk", root.path, "--disk", faulty.path, "--disk", shorter.path, "--disk", damaged.path, "--file",
         config.path + ":/g.cfg"},
        "truncate -s 2M /full; mke2fs -F /full >/dev/null; mkdir /small; mount -t tmpfs -o size=2M small /small;"
        "truncate -s 16M /small/sparse; mke2fs -F /small/sparse >/dev/null; pvctl create /g.cfg || exit 9;"
            + until_guest_ends + "pvctl list g 2>/dev/null; dmesg | tail; cat /var/log/xen/console/*");
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    CHECK(root.is_clean());
    CHECK(faulty.is_clean());
    CHECK(faulty.file("/new") == "new\n");
    CHECK(root.file("/out")
          == "cat: read error: Input/output error\nread: 1\nits neighbour: 0\n"
             "dd: /b/late: Input/output error\nafter a lost write: 0\nunmount: 0\n"
             "dd: error writing '/c/much': No space left on device\nfull: 0\n"
             "dd: /d/much: Input/output error\numount: can't unmount /d: Input/output error\n"
             "mount: mounting /dev/xvde on /e failed: Invalid argument\nshort: 255\n"
             "mount: mounting /dev/xvdf on /f failed: Invalid argument\ndamaged: 255\n");
    auto const messages = root.file("/messages");
    for (auto text : {"ext2 xvdd: a change cannot be written", "ext2 xvde: the device ends before the file system",
                      "ext2 xvdf: not an ext2, or its super block is damaged"})
        CHECK(messages.find(text) != std::string::npos);
}
