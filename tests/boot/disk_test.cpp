// SPDX-License-Identifier: MIT
// Disks: `lodger --root` and `--disk`, natively and in a domain of its own. What the guest leaves is judged by e2fsprogs on the host.
#include "console.hpp"
#include "paths.hpp"
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {
// A disk image that goes when the test does.
class Image {
public:
    explicit Image(std::string const &name) : path{built("tests/boot/" + name + std::to_string(getpid()) + ".img")} {}
    ~Image() { fs::remove(path); }
    Image(Image const &) = delete;
    Image &operator=(Image const &) = delete;
    void copy_of(std::string const &other) const
    {
        REQUIRE(run_command({"cp", "--sparse=always", other, path}).status == 0);
    }
    void shell(std::string const &script) const  // $0: the image
    {
        auto made = run_command({"sh", "-euc", script, path});
        INFO(made.output << made.error_output);
        REQUIRE(made.status == 0);
    }
    void check_clean() const
    {
        auto check = run_command({"e2fsck", "-fn", path});
        INFO(check.output);
        CHECK(check.status == 0);
    }
    std::string file(std::string const &inside) const
    {
        return run_command({"debugfs", "-R", "cat " + inside, path}).output;
    }
    std::string const path;
};

// The names of disks are given as the bare machine has them; in a domain they begin with x.
std::string seen_by(std::string const &arch, std::string const &text)
{
    return arch == "pv" ? std::regex_replace(text, std::regex{"\\bvd([a-z])"}, "xvd$1") : text;
}

Outcome in_guest(std::string const &arch, std::vector<std::string> const &options, std::string const &script)
{
    std::vector<std::string> command{built("lodger"), "run", "--arch", arch, "--mem", "96"};
    command.insert(command.end(), options.begin(), options.end());
    command.insert(command.end(), {"--", "sh", "-c", seen_by(arch, script)});
    return run_command(command, {}, 300);
}
}  // namespace

TEST_CASE("a disk is the root, and what was done to it is there afterwards", "[disk]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    Image image{"root-" + arch};
    image.copy_of(built("root-busybox.img"));
    auto guest = in_guest(
        arch, {"--root", image.path},
        "set -e; grep ' / ' /proc/mounts | cut -d' ' -f1,3; seq 60000 >/numbers; mkdir -p /a/b; mv /numbers /a/b/;"
        "ln -s a/b /link; ln /bin/busybox /hard; cp /bin/busybox /copy; cmp /copy /hard; rm /copy;"
        "mknod /node c 1 3; chmod 4711 /hard; dd if=/dev/zero of=/sparse bs=1 count=1 seek=100000000 2>/dev/null;"
        "stat -c %b /sparse; tail -n 1 /link/numbers; exit 3");
    INFO(guest.error_output);
    CHECK(guest.status == 3);
    CHECK(guest.output == seen_by(arch, "/dev/vda ext2\n24\n60000\n"));
    image.check_clean();
    CHECK(image.file("/a/b/numbers") == run_command({"seq", "60000"}).output);
    CHECK(image.file("/hard") == image.file("/bin/busybox"));
    auto listing = run_command({"debugfs", "-R", "ls -l /", image.path}).output;
    CHECK(listing.find("104711") != std::string::npos);
    CHECK(listing.find("copy") == std::string::npos);
}

TEST_CASE("the machine belongs to the root's own init, and powers off clean", "[disk]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    Image image{"init-" + arch};
    image.copy_of(built("root-busybox.img"));
    Console machine({built("lodger"), "boot", "--arch", arch, "--mem", "96", "--root", image.path});
    REQUIRE(machine.use_shell());
    CHECK(machine.command("echo $$ >/mine; readlink /proc/1/exe").find("/bin/busybox") != std::string::npos);
    CHECK(machine.command("df / | tail -n 1").find(seen_by(arch, "/dev/vda")) != std::string::npos);
    machine.enter("poweroff");
    CHECK(machine.wait_for_end(90) == 0);
    image.check_clean();
    CHECK(image.file("/mine") != "");
}

TEST_CASE("disks with partitions, read-only disks, loop devices, and no damage to any of them", "[disk]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    Image parts{"parts-" + arch}, fixed{"fixed-" + arch};
    parts.shell("truncate -s 24M $0; printf 'label: gpt\\nsize=8MiB\\nsize=12MiB\\n' | sfdisk -q $0;"
                "mke2fs -q -F -t ext2 -E offset=9437184 $0 12288");
    fixed.shell("mke2fs -q -F -t ext2 -L fixed $0 4M");
    auto const before = run_command({"sha256sum", fixed.path}).output;
    auto guest = in_guest(
        arch, {"--disk", parts.path, "--disk", fixed.path + ":ro"},
        "awk '/vd[ab]/{print $4,$3}' /proc/partitions | sort; mkdir /m /n /l; mount -t ext2 /dev/vda2 /m && echo "
        "mounted;"
        "mount -t ext2 -o ro /dev/vdb /n && ls /n; echo x >/n/x; echo x >/dev/vdb; mount -t ext2 /dev/vdb /l;"
        "dd if=/dev/vdb of=/m/image bs=64k 2>/dev/null; umount /n; mount -t ext2 -o loop /m/image /l && echo hello "
        ">/l/hello;"
        "umount /l; mount -t ext2 -o loop,ro /m/image /l; cat /l/hello; umount /l; umount /m");
    INFO(guest.error_output);
    CHECK(guest.output == seen_by(arch, "vda 24576\nvda1 8192\nvda2 12288\nvdb 4096\nmounted\nlost+found\nhello\n"));
    CHECK(run_command({"sha256sum", fixed.path}).output == before);
    parts.shell("dd if=$0 of=$0.2 bs=1M skip=9 count=12 2>/dev/null; e2fsck -fn $0.2; rm $0.2");
}

// The image is made here: a directory with an index (e2fsck -D), long and short symbolic links, a sparse file beyond 4 GB.
TEST_CASE("what mke2fs made is there, large and sparse files, statfs, bind mounts, another root", "[disk]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    Image root{"kinds-root-" + arch}, image{"kinds-" + arch};
    root.copy_of(built("root-busybox.img"));
    image.shell(
        "mkdir -p $0.d/many $0.d/new/old; for i in $(seq 2000); do echo $i >$0.d/many/a-file-with-a-number-$i; done;"
        "ln -s many/a-file-with-a-number-7 $0.d/short; ln -s ./$(printf '%080d' 0 | tr 0 /)many $0.d/long;"
        "mke2fs -q -F -t ext2 -O dir_index -m 5 -d $0.d $0 24M; rm -r $0.d; e2fsck -fDy $0 >/dev/null || [ $? = 1 ];"
        "debugfs -R 'htree_dump /many' $0 | grep -q 'Number of entries'");
    auto guest = in_guest(
        arch, {"--root", root.path + ":ro", "--disk", image.path},
        "mount -t tmpfs t /tmp; mount -t ext2 /dev/vdb /mnt; cd /mnt; ls many | wc -l; cat "
        "many/a-file-with-a-number-1999 short "
        "long/a-file-with-a-number-12;"
        "stat -f -c '%s %b %f %c %d %l' /mnt >/tmp/before; rm many/a-file-with-a-number-5?; touch many/one-more; ls "
        "many | "
        "wc -l;"
        "echo end | dd of=large bs=1 seek=5000000000 conv=notrunc 2>/dev/null; stat -c %s large; tail -c 4 large;"
        "stat -c %b large | awk '{print ($1 < 64)}'; cp /bin/busybox new/busybox;"
        "mount --bind many new/old; ls new/old | wc -l; touch new/old/through; umount new/old; ls many/through;"
        "mount --bind new new; cd new; pivot_root . old; /busybox ls /old/mnt/short; /busybox echo /*;"
        "/busybox cat /old/tmp/before");
    INFO(guest.output << guest.error_output);
    auto const report = run_command({"dumpe2fs", "-h", image.path}).output;
    auto number = [&](std::string const &name) {
        std::smatch found;
        return std::regex_search(report, found, std::regex{name + ": +([0-9]+)"}) ? found[1].str() : "none";
    };
    // Of statfs's numbers three stay what they are on the disk, and the name's length.
    CHECK(std::regex_match(guest.output,
                           std::regex{"2000\n1999\n7\n12\n1991\n5000000004\nend\n1\n1991\nmany/through\n"
                                      "/old/mnt/short\n/busybox /old\n1024 [0-9]+ [0-9]+ "
                                      + number("Inode count") + " [0-9]+ 255\n"}));
    image.check_clean();
    CHECK(image.file("/many/a-file-with-a-number-1999") == "1999\n");
}

TEST_CASE("what is no disk, and what is no root, is said in one line", "[disk]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    auto missing = run_command({built("lodger"), "run", "--arch", arch, "--disk", "/nonexistent.img", "--", "true"});
    CHECK(missing.status == 125);
    CHECK(missing.error_output.find("/nonexistent.img: does not exist") != std::string::npos);
    Image odd{"odd-" + arch}, damaged{"damaged-" + arch}, modern{"modern-" + arch};
    odd.shell("truncate -s 1000 $0");
    auto size = run_command({built("lodger"), "run", "--arch", arch, "--root", odd.path, "--", "true"});
    CHECK(size.error_output.find("multiple of 512") != std::string::npos);
    damaged.shell(
        "mke2fs -q -F -t ext2 $0 2M; printf '\\377\\377\\377\\377' | dd of=$0 bs=1 seek=1028 conv=notrunc 2>/dev/null");
    auto const before = run_command({"sha256sum", damaged.path}).output;
    modern.shell("mke2fs -q -F -t ext4 $0 8M");
    auto guest = in_guest(arch, {"--disk", damaged.path, "--disk", modern.path},
                          "mount -t ext2 /dev/vda /mnt; mount -t ext2 /dev/vdb /mnt && ls /mnt; touch /mnt/new;"
                          "dmesg | grep ext2");
    INFO(guest.output << guest.error_output);
    CHECK(guest.output.find("lost+found") != std::string::npos);
    CHECK(guest.output.find("vda") != std::string::npos);
    CHECK(run_command({"sha256sum", damaged.path}).output == before);
}
