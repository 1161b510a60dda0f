// SPDX-License-Identifier: MIT
// A kernel of somebody else's, which knows nothing of Lodger: Debian's GRUB for paravirtual guests, byte for byte.
#include "machine.hpp"
#include <catch2/catch.hpp>
#include <paths.hpp>

TEST_CASE("Debian's PV GRUB shows its prompt and takes commands", "[domains][grub]")
{
    Console console{run_command_line({"DOM0=" + built("tests/domains/dom0.cpio"), "ARGS=noguest", "NET=0"})};
    INFO(console.transcript());
    REQUIRE(console.use_shell());
    console.enter("pvctl create -c /etc/xen/grub.cfg");
    REQUIRE(console.wait_for("grub> "));
    console.enter("echo $grub_cpu-$grub_platform");
    CHECK(console.wait_for("i386-xen"));
    REQUIRE(console.wait_for("grub> "));
    console.enter("halt");
    CHECK(console.wait_for("[grub has ended]"));
    REQUIRE(console.wait_for("ready> "));
    console.enter("poweroff");
    CHECK(console.wait_for_end(60) == 0);
}
