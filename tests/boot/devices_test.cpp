// SPDX-License-Identifier: MIT
// Devices on PCI, on the bare machine and in domain 0: `make run-dom0 QEMU_ARGS=...`. A virtio console carries bytes both ways and holds
// the sender back; an entropy device feeds the generator; interrupts come as messages, or by one pin that both share.
#include "console.hpp"
#include "paths.hpp"
#include "qemu.hpp"
#include <algorithm>
#include <catch2/catch.hpp>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {
// The host's end of a virtio console.
class FarEnd {
public:
    explicit FarEnd(std::string path) : path_{std::move(path)} {}
    ~FarEnd()
    {
        if (fd_ >= 0)
            close(fd_);
        unlink(path_.c_str());
    }
    std::string const &path() const { return path_; }
    bool connect()
    {
        fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        return ::connect(fd_, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
    }
    // As many bytes as `n`, or what came until nothing came for ten seconds.
    std::string read(std::size_t n)
    {
        std::string got;
        pollfd fd{fd_, POLLIN, 0};
        while (got.size() < n && poll(&fd, 1, 10'000) > 0) {
            char bytes[65536];
            auto r = ::read(fd_, bytes, std::min(sizeof bytes, n - got.size()));
            if (r <= 0)
                break;
            got.append(bytes, static_cast<std::size_t>(r));
        }
        return got;
    }
    void write(std::string const &text) { REQUIRE(::write(fd_, text.data(), text.size()) == ssize_t(text.size())); }
    // How much the guest's end lets in while nobody reads there.
    std::size_t fill()
    {
        std::string block(4096, 'y');
        std::size_t total = 0;
        pollfd fd{fd_, POLLOUT, 0};
        while (total < (64u << 20) && poll(&fd, 1, 1000) > 0)
            if (auto r = send(fd_, block.data(), block.size(), MSG_DONTWAIT); r > 0)
                total += static_cast<std::size_t>(r);
        return total;
    }

private:
    std::string path_;
    int fd_ = -1;
};

std::string numbers(unsigned last)
{
    std::string s;
    for (unsigned i = 1; i <= last; ++i)
        s += std::to_string(i) + "\n";
    return s;
}
}  // namespace

TEST_CASE("a virtio console and an entropy device", "[devices]")
{
    auto how = GENERATE(as<std::string>{}, "native", "pv");
    auto interrupts = GENERATE(as<std::string>{}, "messages", "pin");
    DYNAMIC_SECTION(how << ", interrupts by " << interrupts)
    {
        FarEnd far{"/tmp/lodger-console-" + std::to_string(getpid())};
        // Slots 4 and 8 have the same pin.
        std::string vectors = interrupts == "pin" ? ",vectors=0" : "";
        Console console{machine_command(how,
                                        "-device virtio-rng-pci,disable-legacy=on,addr=4" + vectors
                                            + " -device virtio-serial-pci,disable-legacy=on,addr=8" + vectors
                                            + " -chardev socket,id=far,server=on,wait=off,path=" + far.path()
                                            + " -device virtconsole,chardev=far")};
        REQUIRE(console.use_shell());
        REQUIRE(far.connect());
        INFO(console.transcript());
        CHECK(console.command("dmesg | grep -c 'virtio 00:04.0: 64 bytes of entropy'") == "1\n");
        // A line for each of the two entries of either table (the console's queues share one), or one for both devices.
        auto lines = console.command("grep -c virtio /proc/interrupts");
        CHECK(lines == (interrupts == "pin" ? "1\n" : "4\n"));
        CHECK(console.command("od -An -N8 -tx8 /dev/random | wc -w") == "1\n");

        // QEMU drops what its socket has no room for: this is less than any socket takes, and in few pieces.
        auto expected = numbers(9000);
        console.command("stty -F /dev/hvc1 raw -echo");
        console.enter("seq 1 9000 >numbers; cat numbers >/dev/hvc1");
        auto got = far.read(expected.size());
        auto [wrong, right] = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end());
        CHECK(got.size() == expected.size());
        CHECK(std::string(wrong, got.end()).substr(0, 40) == std::string(right, expected.end()).substr(0, 40));
        REQUIRE(console.wait_for("ready> "));
        console.enter("head -c 40000 /dev/hvc1 | md5sum");
        REQUIRE(console.wait_for("md5sum\n"));
        far.write(expected.substr(0, 40000));
        REQUIRE(console.wait_for("  -", 30));
        auto sum = run_command({"md5sum"}, expected.substr(0, 40000)).output;
        CHECK(sum == console.before() + "  -\n");
        REQUIRE(console.wait_for("ready> "));

        // Nobody reads: the host is held back, and every byte is there later.
        auto stuffed = far.fill();
        CHECK(stuffed < (4u << 20));
        CHECK(console.command("head -c " + std::to_string(stuffed) + " /dev/hvc1 | tr -d y | wc -c") == "0\n");

        // As a terminal: line editing, signals.
        console.command("stty -F /dev/hvc1 sane -echo");
        console.enter("cat /dev/hvc1 >line");
        REQUIRE(console.wait_for("line\n"));
        far.write("wrong\025right\n\004");
        REQUIRE(console.wait_for("ready> "));
        CHECK(console.command("cat line") == "right\n");
        console.enter("poweroff");
        CHECK(console.wait_for_end(60) == 0);
    }
}
