// SPDX-License-Identifier: MIT
// Debian bookworm for i386 as its own tools installed it (make image-debian), from a disk of the guest's: its programs, its init, its
// package manager's opinion of every file. Hidden: the image is a download of its own (make test-image-debian).
#include "host.hpp"
#include <catch2/catch.hpp>
#include <paths.hpp>

namespace {
// dpkg compares every file with the sum that the package has for it; documents were left out of the image. setxattr, getxattr and
// removexattr are EOPNOTSUPP (95), each of them.
char const work[] = R"(set -e
echo "$BASH_VERSION" | cut -d. -f1
dpkg -l | grep -q '^ii  bash ' && echo listed
apt-get --version | head -n 1 | cut -d. -f1
perl -e 'printf "%vd\n", $^V' | cut -d. -f1
cat /etc/debian_version | cut -d. -f1
dpkg --verify | grep -v '^missing' || echo 'every file as packed'
dpkg -i /bzip2.deb >/dev/null && echo again | bzip2 | bunzip2
dpkg -s bzip2 | grep Status
dpkg -r bzip2 >/dev/null && [ ! -e /bin/bzip2 ] && echo removed
su nobody -s /bin/sh -c id
perl -MDigest::SHA -e 'open F, "<", "/usr/bin/perl"; print Digest::SHA->new(256)->addfile(*F)->hexdigest, "\n"' >/sum
perl -e 'my @file = ("/etc/passwd", "user.x"); for my $call ([226, @file, "v" x 9, 9, 0], [229, @file, "v" x 9, 9], [235, @file]) {
    my ($number, @arguments) = @$call; print syscall($number, @arguments) == -1 ? $! + 0 : "done", " " } print "\n"'
sha256sum /usr/bin/perl | cut -d' ' -f1 | cmp - /sum && echo same
)";
}  // namespace

TEST_CASE("Debian's own programs on Debian's own root", "[.debian]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    Image image{"debian-" + arch};
    image.copy_of(built("root-debian.img"));
    auto guest = run_command({built("lodger"), "run", "--arch", arch, "--root", image.path, "--file",
                              std::string{LODGER_SOURCE} + "/build/debs/bzip2_i386.deb:/bzip2.deb", "--", "bash", "-c",
                              work},
                             {}, 300);
    INFO(guest.error_output);
    CHECK(guest.status == 0);
    CHECK(guest.output
          == "5\nlisted\napt 2\n5\n12\nevery file as packed\nagain\nStatus: install ok installed\nremoved\n"
             "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\n95 95 95 \nsame\n");
    CHECK(image.is_clean());
}

TEST_CASE("the machine belongs to Debian's root, and powers off clean", "[.debian]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    Image image{"debian-boot-" + arch};
    image.copy_of(built("root-debian.img"));
    Console machine({built("lodger"), "boot", "--arch", arch, "--root", image.path});
    REQUIRE(machine.use_shell());
    CHECK(machine.command("cat /etc/hostname").find("lodger") != std::string::npos);
    CHECK(machine.command("bash -c 'echo $BASH_VERSION | tee /version'").find("5.2") != std::string::npos);
    CHECK(machine.command("ps ax | grep -c '[i]nit'").find("1") != std::string::npos);
    machine.enter("/bin/busybox poweroff");
    CHECK(machine.wait_for_end(90) == 0);
    CHECK(image.is_clean());
    CHECK(image.file("/version").starts_with("5.2"));
}
