// SPDX-License-Identifier: MIT
// Debian's network programs, over loopback and with this host as the peer: curl, nginx, dropbear, iperf3, iproute2, tcpdump.
#include "../boot/console.hpp"
#include "../boot/host.hpp"
#include "../boot/paths.hpp"
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {
Outcome lodger(std::vector<std::string> arguments, double seconds = 120)
{
    arguments.insert(arguments.begin(), built("lodger"));
    auto outcome = run_command(arguments, {}, seconds);
    UNSCOPED_INFO("stdout: " << outcome.output << "\nstderr: " << outcome.error_output);
    return outcome;
}

struct Scratch {
    fs::path path = fs::temp_directory_path() / ("lodger-network-" + std::to_string(getpid()));
    Scratch() { fs::create_directories(path); }
    ~Scratch() { fs::remove_all(path); }
    std::string operator/(char const *name) const { return (path / name).string(); }
};

std::string random_bytes(std::size_t n)
{
    std::mt19937 random{7};
    std::string bytes(n, 0);
    for (auto &byte : bytes)
        byte = static_cast<char>(random());
    return bytes;
}

// A machine with Debian's network programs, a person at its console, and ports forwarded.
struct Machine {
    std::string http = free_port(), ssh = free_port(), iperf = free_port();
    Console console;
    explicit Machine(std::string const &arch)
        : console{{built("lodger"), "boot", "--arch", arch, "--mem", "768", "--initrd", built("initrd-net.cpio.gz"),
                   "--net-open", "--forward", http + ":80", "--forward", ssh + ":22", "--forward", iperf + ":5201",
                   "--forward", iperf + ":5201/udp"}}
    {
    }
    void sit_down()
    {
        INFO(console.transcript());
        REQUIRE(console.wait_for("$ "));  // Debian's dash shows PS1 as it stands
        console.enter("PS1='# '");
        REQUIRE(console.use_shell());
        REQUIRE(console.command("mkdir -p /root/.ssh /tmp/www /var/log/nginx /var/lib/nginx; echo done") == "done\n");
    }
};

std::vector<std::string> ssh_command(char const *program, Scratch const &scratch, std::string const &port)
{
    return {program,
            "-q",
            "-i",
            scratch / "key",
            std::strcmp(program, "ssh") == 0 ? "-p" : "-P",
            port,
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=100",
            "-F",
            "/dev/null"};
}

Outcome run(std::vector<std::string> command, std::vector<std::string> const &more, std::string const &input = {})
{
    command.insert(command.end(), more.begin(), more.end());
    auto outcome = run_command(command, input, 240);
    UNSCOPED_INFO(command[0] << ": " << outcome.output << outcome.error_output);
    return outcome;
}

void log_in(Machine &machine, Scratch const &scratch, std::string const &bytes)
{
    REQUIRE(run({"ssh-keygen"}, {"-q", "-t", "ed25519", "-N", "", "-f", scratch / "key"}).status == 0);
    std::ifstream key{scratch / "key.pub"};
    std::string line;
    std::getline(key, line);
    machine.console.command("echo '" + line + "' >/root/.ssh/authorized_keys; /srv/network/start-dropbear");

    auto ssh = ssh_command("ssh", scratch, machine.ssh), scp = ssh_command("scp", scratch, machine.ssh);
    auto named = run(ssh, {"root@127.0.0.1", "uname -sm; exit 3"});
    CHECK(named.output == "Linux i686\n");
    CHECK(named.status == 3);
    CHECK(run(ssh, {"root@127.0.0.1", "tr a-z A-Z"}, "through the shell\n").output == "THROUGH THE SHELL\n");
    CHECK(run(ssh, {"-tt", "root@127.0.0.1", "tty"}).output.starts_with("/dev/pts/"));
    // A file there and back, by OpenSSH's scp and sftp-server.
    std::ofstream{scratch / "file", std::ios::binary} << bytes;
    CHECK(run(scp, {scratch / "file", "root@127.0.0.1:/tmp/www/file"}).status == 0);
    CHECK(run(scp, {"root@127.0.0.1:/tmp/www/file", scratch / "back"}).status == 0);
    CHECK(run({"cmp"}, {scratch / "file", scratch / "back"}).status == 0);
}

// What ApacheBench says after a name, as a number.
long reported(std::string const &text, std::string const &name)
{
    auto at = text.find(name);
    return at == std::string::npos ? -1 : std::stol(text.substr(at + name.size()));
}

void serve(Machine &machine, std::string const &bytes)
{
    machine.console.command("nginx -c /srv/network/nginx.conf; echo short >/tmp/www/short");
    auto url = "http://127.0.0.1:" + machine.http + "/";
    CHECK((run({"curl", "-sS"}, {url + "file"}).output == bytes));
    auto bench = run({"ab", "-q", "-k", "-c", "200", "-n", "10000", "-s", "200"}, {url + "short"});
    CHECK(bench.status == 0);
    CHECK(reported(bench.output, "Complete requests:") == 10000);
    CHECK(reported(bench.output, "Failed requests:") == 0);
    CHECK(reported(bench.output, "HTML transferred:") == 60000);
    CHECK(bench.output.find("Non-2xx") == std::string::npos);
    // Each request a connection of its own.
    auto brief = run({"ab", "-q", "-c", "20", "-n", "1000", "-s", "200"}, {url + "short"});
    CHECK(reported(brief.output, "Complete requests:") == 1000);
    CHECK(reported(brief.output, "Failed requests:") == 0);
}

// iperf3's server stops listening between two tests.
void measure(Machine &machine)
{
    machine.console.command("iperf3 -s -D");
    using Arguments = std::vector<std::string>;
    for (auto const &how : {Arguments{}, Arguments{"-R"}, Arguments{"-P", "3"}, Arguments{"-P", "3", "--bidir"},
                            Arguments{"-u", "-b", "5M"}, Arguments{"-u", "-b", "5M", "-R"}}) {
        machine.console.command("until ss -Htln 2>/dev/null | grep -q :5201; do sleep 0.1; done");
        auto measured = run({"iperf3", "-c", "127.0.0.1", "-p", machine.iperf, "-t", "3"}, how);
        CHECK(measured.status == 0);
        CHECK(measured.output.find("iperf Done.") != std::string::npos);
    }
}
}  // namespace

TEST_CASE("Debian's network programs, over loopback", "[network]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    auto o = lodger({"run", "--net", "--arch", arch, "--mem", "768", "--initrd", built("initrd-net.cpio.gz"), "--",
                     "bash", "/srv/network/programs.sh"},
                    900);
    CHECK(o.status == 0);
    CHECK(o.output.find("FAILED") == std::string::npos);
    std::ifstream script{source("tests/network/guest/programs.sh")};
    std::stringstream text;
    text << script.rdbuf();
    int checks = 0;
    for (std::string line; std::getline(text, line);)
        checks += line.starts_with("check ");
    CHECK(checks > 40);
    CHECK(o.output.ends_with(std::to_string(checks) + " ok\n"));
}

TEST_CASE("a port forwarded from the host: ssh, nginx, iperf3", "[network]")
{
    auto arch = GENERATE(as<std::string>{}, "pv", "native");
    DYNAMIC_SECTION(arch)
    {
        Scratch scratch;
        Machine machine{arch};
        machine.sit_down();
        auto bytes = random_bytes(1'000'000);
        log_in(machine, scratch, bytes);
        serve(machine, bytes);
        measure(machine);
        machine.console.command("killall iperf3 nginx dropbear");
        CHECK(machine.console.command("ss -Htn state established 2>/dev/null") == "");
        machine.console.enter("poweroff -f");
        CHECK(machine.console.wait_for_end(60) == 0);
    }
}
