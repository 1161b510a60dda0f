// SPDX-License-Identifier: MIT
// Disks that come to a running guest and go from it.
#include "host.hpp"
#include <catch2/catch.hpp>
#include <fstream>
#include <paths.hpp>

namespace {
// The guest waits for a disk, writes to it, mounts it; says in its console what it sees; and powers off with a disk whose back end is away.
char const work[] = R"(#!/bin/sh
mount -t proc proc /proc
exec >/dev/console 2>&1
wait_for() { n=0; until eval "$1" || [ $n = 300 ]; do n=$((n + 1)); sleep 0.1; done; }
echo "guest: begins"
wait_for '[ -b /dev/xvdb ]'
grep -o 'xvdb.*' /proc/partitions
mkdir -p /m
mount -t ext2 /dev/xvdb /m && echo "guest: mounted"
seq 3000 >/m/numbers
wait_for '[ -b /dev/xvdc ]'
umount /m && echo "guest: unmounted"
wait_for '[ ! -b /dev/xvdb ]'
grep -q xvdb /proc/partitions || echo "guest: gone"
dd if=/dev/xvdc of=/second bs=4k 2>/dev/null
wait_for '[ -b /dev/xvdd ]'
mount -o remount,ro /
poweroff -f
)";

// A message of the store's protocol (include/pv/io/xs_wire.h): type 13 removes a node.
char const control[] = R"(
wait_for() { n=0; until eval "$1" || [ $n = 300 ]; do n=$((n + 1)); sleep 0.1; done; }
says() { wait_for "grep -q 'guest: $1' /var/log/xen/console/*"; }
truncate -s 8M /first; mke2fs -q -F /first 8192 >/dev/null 2>&1
seq 1000000 1001000 | head -c 4096 >/second; truncate -s 64k /third
pvctl create /g.cfg || exit 9
says begins
pvctl block-attach g /first,raw,xvdb,w || exit 8
says mounted
pvctl block-attach g /second,raw,xvdb,w
pvctl block-attach g /first,raw,xvdc,w
pvctl block-attach g /none,raw,xvdc,r
pvctl block-attach g /second,qcow2,xvdc,r
pvctl block-detach g xvdc
pvctl block-list g
pvctl block-detach g xvdb
pvctl block-attach g /second,raw,xvdc,r || exit 7
says unmounted
pvctl block-detach g xvdb && echo detached
says gone
pvctl block-list g --json | grep -c '"connected": true'
mount -t ext2 -o loop,ro /first /mnt && tail -n 1 /mnt/numbers; umount /mnt
pvctl block-attach g /third,raw,xvdd,w || exit 6
printf '\015\0\0\0\0\0\0\0\0\0\0\0\044\0\0\0/local/domain/0/backend/vbd/1/51760\0' >/dev/xen/xenbus
)";
}  // namespace

TEST_CASE("disks are given to a running guest and taken away, but not one that it uses", "[guest-disk][hot-plug]")
{
    Image image{"plug"}, config{"plug-config"};
    image.copy_of(built("root-busybox.img"));
    image.add_program("work", work);
    std::ofstream(config.path) << guest_file("root=/dev/xvda rw init=/work", "'/dev/vda,raw,xvda,w'");
    auto dom0 = in_domain_0(
        {"--disk", image.path, "--file", config.path + ":/g.cfg"},
        control + until_guest_ends
            + "pvctl list | wc -l; wait_for '[ -z \"$(losetup -a)\" ]'; losetup -a; cat /var/log/xen/console/* >&2");
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    CHECK(dom0.output
          == "Disk     Access State      Target\n"
             "xvda     w      connected  /dev/vda\n"
             "xvdb     w      connected  /first\n"
             "detached\n2\n3000\n2\n");
    for (auto text : {"pvctl: g has a disk xvdb already\n", "pvctl: xvdc: /first: it is in use",
                      "pvctl: xvdc: /none: there is no such file or device\n",
                      "pvctl: /second,qcow2,xvdc,r: the format has to be raw\n", "pvctl: g has no disk xvdc\n",
                      "pvctl: xvdb: g does not let go of it: it is mounted or open there\n", "xvdb is taken away"})
        CHECK(dom0.error_output.find(text) != std::string::npos);
    CHECK(image.is_clean());
    CHECK(image.file("/second") == run_command({"sh", "-c", "seq 1000000 1001000 | head -c 4096"}).output);
}
