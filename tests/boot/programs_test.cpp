// SPDX-License-Identifier: MIT
// Programs, byte for byte as Debian ships them: the same script prints the same in the guest and on the host's Linux.
#include "console.hpp"
#include "paths.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <unistd.h>

namespace {
std::vector<std::string> lines(std::string const &text)
{
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

// The applets whose sections differ, with what each side printed.
std::string differences(std::string const &host, std::string const &guest)
{
    auto a = lines(host), b = lines(guest);
    std::string applet, report;
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        auto next = [](std::vector<std::string> const &v, std::size_t from) {
            return static_cast<std::size_t>(
                std::find_if(v.begin() + static_cast<std::ptrdiff_t>(std::min(from + 1, v.size())), v.end(),
                             [](std::string const &s) { return s.starts_with("== "); })
                - v.begin());
        };
        std::size_t ei = next(a, i), ej = next(b, j);
        auto section = [](std::vector<std::string> const &v, std::size_t from, std::size_t to) {
            std::string s;
            for (; from < to && from < v.size(); ++from)
                s += "    " + v[from] + "\n";
            return s;
        };
        auto sa = section(a, i, ei), sb = section(b, j, ej);
        if (sa != sb)
            report += "  host:\n" + sa + "  guest:\n" + sb;
        i = ei, j = ej;
    }
    return report;
}
}  // namespace

TEST_CASE("busybox in the guest is the package's own, byte for byte", "[applets]")
{
    auto host = run_command({"sha256sum", built("root/bin/busybox")});
    auto package = run_command({"sh", "-c",
                                "dpkg-deb --fsys-tarfile " + source("build/debs/busybox-static_i386.deb")
                                    + " | tar -xO ./bin/busybox | sha256sum"});
    auto guest = run_command({built("lodger"), "run", "--", "sha256sum", "/bin/busybox"});
    CHECK(guest.status == 0);
    CHECK(guest.output.substr(0, 64) == host.output.substr(0, 64));
    CHECK(guest.output.substr(0, 64) == package.output.substr(0, 64));
}

namespace {
// What a script prints on the host; empty: this host cannot be the oracle.
std::string ask_oracle(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), source("tests/boot/oracle"));
    auto oracle = run_command(arguments, {}, 300);
    if (oracle.status == 77) {
        WARN("skipped: this host cannot run i386 programs in a chroot, so there is no oracle");
        return {};
    }
    INFO(oracle.error_output);
    REQUIRE(oracle.status == 0);
    return oracle.output;
}

std::size_t cases(std::string const &output)
{
    auto all = lines(output);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](auto const &s) { return s.starts_with("== "); }));
}
}  // namespace

TEST_CASE("applets print in the guest what they print on the host", "[applets]")
{
    auto expected = ask_oracle({source("tests/boot/applets.sh"), "sh", built("root")});
    if (expected.empty())
        return;
    REQUIRE(cases(expected) > 120);
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    auto guest = run_command({built("lodger"), "run", "--arch", arch, "--file",
                              source("tests/boot/applets.sh") + ":/applets.sh", "--", "sh", "-c",
                              "mkdir /tmp/w; sh /applets.sh /tmp/w 2>&1"},
                             {}, 400);
    CHECK(guest.status == 0);
    CHECK(differences(expected, guest.output) == "");
}

TEST_CASE("dynamically linked programs print in the guest what they print on the host", "[programs]")
{
    auto expected = ask_oracle({source("tests/boot/programs.sh"), "bash", built("root"), built("root-test")});
    if (expected.empty())
        return;
    REQUIRE(cases(expected) > 60);
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    auto guest = run_command({built("lodger"), "run", "--arch", arch, "--mem", "768", "--initrd",
                              built("initrd-test.cpio.gz"), "--file", source("tests/boot/programs.sh") + ":/script",
                              "--", "bash", "-c", "mkdir /tmp/w; bash /script /tmp/w 2>&1"},
                             {}, 900);
    CHECK(guest.status == 0);
    CHECK(differences(expected, guest.output) == "");
}
