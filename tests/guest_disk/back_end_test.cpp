// SPDX-License-Identifier: MIT
// Domain 0's side of a disk goes and comes while the guest works on it.
#include "host.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <paths.hpp>
#include <regex>

namespace {
// Random operations against what they must give (tests/disk/guest/fsx.cpp), and files whose bytes are known, until a file says stop.
char const work[] = R"(#!/bin/sh
mount -t proc proc /proc
mkdir /d
n=0
while [ ! -e /stop ]; do
    n=$((n + 1))
    /fsx /file 300 $n 2>/fsx.log || echo "fsx $n failed" >>/errors
    seq $n 20000 >/d/$n && sync || echo "seq $n failed" >>/errors
    dd if=/d/$n of=/d/direct bs=64k oflag=direct conv=fsync 2>>/dd || echo "dd $n failed" >>/errors
    cmp /d/$n /d/direct 2>>/errors || echo "cmp $n failed" >>/errors
    dd if=/dev/xvdb bs=64k count=1 iflag=direct 2>/dev/null | grep -q stop && touch /stop
done
echo $n >/rounds
mount -o remount,ro / && poweroff -f
)";

unsigned long sum_of(std::string const &text, std::string const &pattern)
{
    std::regex const number{pattern};
    unsigned long sum = 0;
    for (std::sregex_iterator at{text.begin(), text.end(), number}, end; at != end; ++at)
        sum += std::stoul((*at)[1]);
    return sum;
}
}  // namespace

TEST_CASE("the back end is killed and begins anew under load, and nothing is lost", "[guest-disk][restart]")
{
    Image image{"restart"}, config{"restart-config"};
    image.copy_of(built("root-busybox.img"));
    image.add_program("work", work);
    image.shell("debugfs -w -R 'write " + built("disk/fsx") + " fsx' $0; debugfs -w -R 'sif fsx mode 0100755' $0");
    std::ofstream(config.path) << guest_file("root=/dev/xvda rw init=/work", "'/dev/vda,raw,xvda,w', '/word,raw,xvdb,r'");
    auto dom0 = in_domain_0(
        {"--disk", image.path, "--file", config.path + ":/g.cfg"},
        "head -c 65536 /dev/zero >/word; pvctl create /g.cfg || exit 9; sleep 2;"
        "for i in 1 2 3 4 5 6 7 8; do pvctl block-restart g xvda || { dmesg | tail; cat /var/log/xen/console/*; exit "
        "8; }; sleep 0.3; done;"
        "yes stop | head -c 65536 >/word;"
            + until_guest_ends
            + "pvctl list g 2>/dev/null; dmesg | grep -c 'serves /dev/vda'; cat /var/log/xen/console/*");
    INFO(dom0.output << dom0.error_output);
    CHECK(dom0.status == 0);
    CHECK(image.is_clean());
    CHECK(image.file("/errors") == "");
    auto const rounds = std::atoi(image.file("/rounds").c_str());
    CHECK(rounds > 0);
    for (int n = 1; n <= std::min(rounds, 40); ++n)
        CHECK(image.file("/d/" + std::to_string(n)) == run_command({"seq", std::to_string(n), "20000"}).output);
    CHECK(dom0.output.substr(0, 2) == "9\n");
    // Some of the moments were such that it mattered.
    CHECK(sum_of(dom0.output, "xvda: ([0-9]+) requests under way") > 0);
}
