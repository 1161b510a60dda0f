// SPDX-License-Identifier: MIT
// Guest files as people have them, and each way to be wrong with its sentence.
#include <catch2/catch.hpp>
#include <userland/toolstack/device_config.hpp>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/nic_rate.hpp>
#include <userland/toolstack/uuid.hpp>

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {
GuestConfig read(std::string const &text) { return read_guest_config(config::parse(text, "g.cfg"), "g.cfg"); }

std::string complaint(std::string const &text)
{
    try {
        read(text);
    } catch (Failure const &failure) {
        return failure.what();
    }
    return "none";
}

std::string const minimal = "name='a'\nkernel='/k'\n";
}  // namespace

TEST_CASE("a guest file in the usual style")
{
    auto g = read(R"(
# Lodger in its own domain
name    = "web-1"          # unique
type    = 'pv'
kernel  = "/boot/lodger"   ; ramdisk = "/boot/initrd"
root    = "/dev/xvda1 ro"
extra   = "quiet"
extra  += " splash"
memory  = 0x40
maxmem  = 0100
vcpus   = 2
cpu_weight = 512; cap = 50
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = 'preserve'
uuid = "01234567-89ab-cdef-0123-456789ABCDEF"
disk = [ 'phy:/dev/vda,xvda,w',
         "/var/img,raw,xvdb1,ro",   # a comment inside
         'format=raw, vdev=xvdc, access=rw, target=/x, test-fail-read=8+2', ]
vif = [ 'mac=00:16:3e:00:00:01,bridge=xenbr0', "" ]
)");
    CHECK(g.name == "web-1");
    CHECK(g.kernel == "/boot/lodger");
    CHECK(g.ramdisk == "/boot/initrd");
    CHECK(g.command_line == "root=/dev/xvda1 ro quiet splash");
    CHECK(g.memory_mb == 64);
    CHECK(g.max_memory_mb == 64);
    CHECK(g.vcpus == 2);
    CHECK(g.max_vcpus == 2);
    CHECK(g.weight == 512);
    CHECK(g.cap == 50);
    CHECK(g.actions.poweroff == Action::destroy);
    CHECK(g.actions.crash == Action::preserve);
    CHECK(text_of(*g.uuid) == "01234567-89ab-cdef-0123-456789abcdef");
    REQUIRE(g.disks.size() == 3);
    CHECK(g.disks[0].target == "/dev/vda");
    CHECK(g.disks[0].vdev == "xvda");
    CHECK(g.disks[0].writable);
    CHECK(g.disks[1].target == "/var/img");
    CHECK_FALSE(g.disks[1].writable);
    CHECK(g.disks[2].target == "/x");
    CHECK(g.disks[2].faults.at("test-fail-read") == "8+2");
    REQUIRE(g.nics.size() == 2);
    CHECK(g.nics[0].keys.at("bridge") == "xenbr0");
    CHECK(g.nics[1].keys.empty());
}

TEST_CASE("defaults, and cmdline over root and extra")
{
    auto g = read(minimal + "cmdline='a=b c'\nroot='/dev/x'\nextra='y'\n");
    CHECK(g.command_line == "a=b c");
    CHECK(g.memory_mb == 128);
    CHECK(g.weight == 256);
    CHECK(g.cap == 0);
    CHECK(g.vcpus == 1);
    CHECK(g.actions.poweroff == Action::destroy);
    CHECK(g.actions.reboot == Action::restart);
    CHECK_FALSE(g.uuid);
}

TEST_CASE("strings: quotes and escapes")
{
    auto g = read(minimal + R"(cmdline="it's \"q\" \x41\102\\")");
    CHECK(g.command_line == "it's \"q\" AB\\");
}

TEST_CASE("what is wrong with a guest file is named, with its line")
{
    CHECK(config::from_word("extra=a \"b\" \\c") == R"(extra="a \"b\" \\c")");
    CHECK(config::from_word("memory=64") == "memory=64");
    CHECK(config::from_word("disk=['phy:/x,xvda,w']") == "disk=['phy:/x,xvda,w']");
    CHECK(config::from_word("name='a'") == "name='a'");
    CHECK(config::from_word("root=") == "root=\"\"");
    CHECK(config::from_word("name") == "name");
    CHECK_THAT(complaint("nmae='a'\n"), StartsWith("g.cfg:1: nmae is no key of a guest file"));
    CHECK_THAT(complaint(minimal + "\npci=['01:00.0']\n"),
               StartsWith("g.cfg:4: pci is a key of xl.cfg that is not supported"));
    CHECK_THAT(complaint("name='a'\n"), Contains("kernel") && Contains("missing"));
    CHECK_THAT(complaint("kernel='a'\n"), Contains("name") && Contains("missing"));
    CHECK_THAT(complaint(minimal + "memory='64'\n"), Contains("memory has to be a number"));
    CHECK_THAT(complaint(minimal + "memory=0\n"), Contains("memory has to be a number from 1"));
    CHECK_THAT(complaint(minimal + "memory=99999\n"), Contains("memory has to be a number"));
    CHECK_THAT(complaint(minimal + "memory=64\nmaxmem=32\n"), Contains("maxmem is less than memory"));
    CHECK_THAT(complaint(minimal + "vcpus=2\nmaxvcpus=1\n"), Contains("maxvcpus is less"));
    CHECK_THAT(complaint(minimal + "type='hvm'\n"), Contains("paravirtual"));
    CHECK_THAT(complaint(minimal + "on_crash='explode'\n"), Contains("on_crash has to be"));
    CHECK_THAT(complaint(minimal + "uuid='1'\n"), Contains("uuid has to be like"));
    CHECK_THAT(complaint("name='a/b'\nkernel='k'\n"), Contains("name has to be"));
    CHECK_THAT(complaint(minimal + "disk='x'\n"), Contains("disk has to be a list"));
    CHECK_THAT(complaint(minimal + "disk=['x']\n"), Contains("vdev"));
    CHECK_THAT(complaint(minimal + "disk=['x,qcow2,xvda']\n"), Contains("format has to be raw"));
    CHECK_THAT(complaint(minimal + "disk=['x,raw,xvda,w,more']\n"), Contains("too many words"));
    CHECK_THAT(complaint(minimal + "disk=['x,raw,xvda,q']\n"), Contains("access"));
    CHECK_THAT(complaint(minimal + "vif=['colour=red']\n"), Contains("colour=red"));
    CHECK_THAT(complaint(minimal + "vif=['rate=fast']\n"),
               StartsWith("g.cfg:") && Contains("vif") && Contains("the rate \"fast\" is not like 10Mb/s"));
    CHECK_THAT(complaint(minimal + "extra='" + std::string(1100, 'x') + "'\n"), Contains("more than 1023"));
    CHECK_THAT(complaint("name\n"), Contains("g.cfg:1: after name there has to be an ="));
    CHECK_THAT(complaint("name=a\n"), Contains("'a' is no value"));
    CHECK_THAT(complaint("name='a\n"), Contains("no ' at its end"));
    CHECK_THAT(complaint("name='a' kernel='b'\n"), Contains("new line or a semicolon"));
    CHECK_THAT(complaint("disk=['a' 'b']\n"), Contains("commas"));
    CHECK_THAT(complaint("disk=['a',\n\n"), Contains("g.cfg:3: a value is missing"));
    CHECK_THAT(complaint("memory=12x\n"), Contains("'12x' is no number"));
    CHECK_THAT(complaint("memory=089\n"), Contains("is no number"));
    CHECK_THAT(complaint("memory=99999999999999999999\n"), Contains("is no number"));
    CHECK_THAT(complaint("name=\n"), Contains("the end of the line is no value"));
    CHECK_THAT(complaint("x=[[[[[[[[[[1]]]]]]]]]]\n"), Contains("is no value"));
    CHECK_THAT(complaint("name='a'\nname+=5\n"), Contains("+= adds"));
    CHECK_THAT(complaint("='a'\n"), Contains("begins with its name"));
}

TEST_CASE("the last setting counts") { CHECK(read(minimal + "memory=1\nmemory=2\n").memory_mb == 2); }

TEST_CASE("numbers of disks")
{
    CHECK(disk_number("xvda") == 51712);
    CHECK(disk_number("xvda1") == 51713);
    CHECK(disk_number("xvdb") == 51728);
    CHECK(disk_number("sda1") == 2049);
    CHECK(disk_number("hdc") == 5632);
    for (auto bad : {"", "xvd", "xvdz", "xvda99", "xvda1x", "vda", "hde", "xvda123"})
        CHECK_FALSE(disk_number(bad));
}

TEST_CASE("random UUIDs are of version 4")
{
    auto a = random_uuid();
    CHECK(parse_uuid(text_of(a)) == a);
    CHECK(text_of(a)[14] == '4');
    CHECK_FALSE(random_uuid() == a);
}

TEST_CASE("a rate is written for the back end as bytes in an interval")
{
    std::string why;
    auto store = [&](char const *text) {
        why.clear();
        return rate_for_store(text, why).value_or("none");
    };
    // What Xen's libxlu makes of the same words.
    CHECK(store("10Mb/s") == "62500,50000");
    CHECK(store("1MB/s@20ms") == "20000,20000");
    CHECK(store("250KB/s") == "12500,50000");
    CHECK(store("100b/s@1s") == "12,1000000");
    CHECK(store("1GB/s@10us") == "10000,10");
    CHECK(store("5000B/s@1000") == "5,1000");
    CHECK(store("100Gb/s@60s") == "750000000000,60000000");
    for (auto bad : {"", "10", "10Mb", "Mb/s", "0Mb/s", "-1Mb/s", "10 Mb/s", "10mb/s", "10Mbit/s", "1.5Mb/s", "101Gb/s",
                     "99999999999999999999Mb/s", "10Mb/s/s"}) {
        INFO(bad);
        CHECK(store(bad) == "none");
        CHECK_THAT(why, Contains("10Mb/s") && Contains(bad));
    }
    for (auto bad : {"10Mb/s@", "10Mb/s@0ms", "10Mb/s@ms", "10Mb/s@20m", "10Mb/s@61s", "10Mb/s@5ms@5ms"}) {
        INFO(bad);
        CHECK(store(bad) == "none");
        CHECK_THAT(why, Contains("interval") && Contains("20ms"));
    }
    CHECK(store("100b/s") == "none");
    CHECK_THAT(why, Contains("less than a byte"));
}
