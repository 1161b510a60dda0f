// SPDX-License-Identifier: MIT
// An administrator's first session: `make run`, out of the guest's console into domain 0, and pvctl from create to destroy.
#include "machine.hpp"
#include <catch2/catch.hpp>

using Catch::Matchers::Contains;

TEST_CASE("make run ends in a guest's shell; Ctrl-] leads to domain 0's", "[domains]")
{
    Console console{run_command_line({"ARGS=colour=blue init=/init"})};
    INFO(console.transcript());
    REQUIRE(console.use_shell());
    CHECK(console.command("hostname") == "lodger\n");
    CHECK(console.command("cat /proc/cmdline") == "LODGER_NET=dhcp colour=blue init=/init\n");
    CHECK(console.command("ip -4 -o a s eth0 | grep -o '10.0.2.16/24'") == "10.0.2.16/24\n");
    CHECK_THAT(console.command("ping -c 1 -q 10.0.2.15"), Contains(" 0% packet loss"));  // domain 0
    CHECK(console.command("cat /proc/xen/capabilities; ls /dev/xen/privcmd 2>&1")
          == "ls: /dev/xen/privcmd: No such file or directory\n");
    console.type(leave_console);
    REQUIRE(console.use_shell());
    CHECK(console.command("hostname; cat /proc/xen/capabilities") == "dom0\ncontrol_d\n");
    CHECK_THAT(console.command("pvctl list"), Contains("\nlodger  ") && Contains("Domain-0 "));

    console.enter("pvctl console lodger");
    console.enter("");
    REQUIRE(console.wait_for("ready> "));
    console.type(std::string{leave_console} + "hostname\n");  // what comes at once with Ctrl-] is domain 0's
    REQUIRE(console.wait_for("dom0\n"));
    REQUIRE(console.wait_for("ready> "));
    console.enter("pvctl console lodger");
    console.enter("");
    REQUIRE(console.wait_for("ready> "));
    CHECK(console.command("hostname; echo $((6 * 7))") == "lodger\n42\n");
    console.enter("exit");  // its last program: it powers off, and its console ends
    REQUIRE(console.wait_for("[lodger has ended]"));
    REQUIRE(console.wait_for("ready> "));
    CHECK_THAT(console.command("pvctl list"), !Contains("\nlodger  "));
    console.enter("poweroff");
    CHECK(console.wait_for_end(60) == 0);
}

TEST_CASE("pvctl's commands, from create to destroy", "[domains]")
{
    Machine machine{256};
    auto before = machine.resources();
    CHECK_THAT(machine.pvctl("create /etc/xen/small.cfg name=web memory=48 'extra=one \"two three\"' --json"),
               Contains("\"name\": \"web\"") && Contains("\"domid\": 1"));
    CHECK_THAT(machine.pvctl("list"), Contains("\nweb  "));
    CHECK_THAT(machine.pvctl("info --json"), Contains("\"domains\": 2"));
    REQUIRE(machine.starts_shell("web"));
    CHECK(machine.ask_guest("web", "cat /proc/cmdline") == "one \"two three\"\n");

    CHECK_THAT(machine.pvctl("dump web"), Contains("eip") && Contains("kernel::idle"));
    machine.pvctl("pause web");
    CHECK_THAT(machine.pvctl("list web"), Contains("p---"));
    machine.pvctl("unpause web");
    machine.pvctl("sched web --weight 512 --cap 60");
    CHECK_THAT(machine.pvctl("sched web"), Contains(" 512    60\n"));
    machine.pvctl("mem-set web 32");
    CHECK(machine.wait("pvctl list web | grep -q '  32  '"));
    machine.pvctl("mem-set web 48");
    CHECK(machine.wait("pvctl list web | grep -q '  48  '"));
    CHECK_THAT(machine.pvctl("top --batch --iterations 1 --delay 0.5"), Contains("\nweb  ") && Contains("% idle"));
    CHECK_THAT(machine.pvctl("dmesg | sed s/^.hv.//"), Contains("domain 0: Lodger, 80 MB"));

    machine.pvctl("reboot --wait web");
    CHECK(machine.wait("pvctl list web | grep -q '  2  '"));  // the next number
    REQUIRE(machine.starts_shell("web"));
    machine.pvctl("rename web shop");
    machine.pvctl("shutdown --wait shop");
    CHECK(machine.wait("! pvctl list shop 2>/dev/null"));
    CHECK(machine.ask("cat /var/log/xen/pvctl.log")
          == "pvctl: web (domain 1): asked for a reboot\npvctl: web (domain 2): powered off\n");
    CHECK(machine.resources_become(before));

    machine.pvctl("create /etc/xen/small.cfg --paused");
    CHECK_THAT(machine.pvctl("list small"), Contains("  24  ") && Contains("--p---        0.0"));
    machine.pvctl("destroy small");
    CHECK(machine.resources_become(before));
    machine.power_off();
}

TEST_CASE("what pvctl cannot do, it says in a sentence", "[domains]")
{
    Machine machine{256};
    auto before = machine.resources();
    machine.pvctl("create /etc/xen/hostile.cfg extra=spin");
    struct Case {
        char const *arguments, *sentence;
    } const cases[] = {
        {"create /nothing.cfg", "pvctl: /nothing.cfg: cannot be read: No such file or directory\n"},
        {"create /etc/xen/small.cfg colour=red", "colour is no key of a guest file"},
        {"create /etc/xen/small.cfg firmware=uefi", "firmware is a key of xl.cfg that is not supported here"},
        {"create /etc/xen/small.cfg kernel=/etc/passwd", "pvctl: /etc/passwd: "},
        {"create /etc/xen/small.cfg memory=4000", "memory has to be a number from 1 to 3800\n"},
        {"create /etc/xen/small.cfg memory=2000", "pvctl: the machine has not enough free memory: "},
        {"create /etc/xen/small.cfg memory=2",
         "pvctl: its kernel and ramdisk do not fit into 2 MB: raise memory in the guest file\n"},
        {"create /etc/xen/hostile.cfg", "pvctl: hostile: domain 1 has this name"},
        {"list nobody", "pvctl: nobody: no domain has that name or number; pvctl list shows them\n"},
        {"destroy 0", "pvctl: domain 0 cannot be destroyed; poweroff ends it, and the machine\n"},
        {"destroy 77", "pvctl: domain 77: there is none; pvctl list shows them\n"},
        {"shutdown hostile --wait --timeout 1", "pvctl: hostile goes on running; pvctl destroy ends it\n"},
        {"unpause hostile", "pvctl: hostile is not paused\n"},
        {"mem-set hostile 9", "pvctl: hostile can have 8 MB at most (maxmem in its guest file)\n"},
    };
    for (auto const &c : cases)
        CHECK_THAT(machine.pvctl(std::string{c.arguments} + " 2>&1", 1), Contains(c.sentence));
    machine.pvctl("destroy hostile");
    CHECK(machine.resources_become(before));
    machine.power_off();
}
