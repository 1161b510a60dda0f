// SPDX-License-Identifier: MIT
// As the first process: the file systems that the rows need, and the end of the machine.
#include "bench.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

namespace bench {
namespace {
void mount_on(char const *type, char const *where)
{
    mkdir(where, 0755);
    if (mount(type, where, type, 0, nullptr) != 0 && errno != EBUSY)
        fail(std::string{"cannot mount "} + type + " on " + where + ": " + std::strerror(errno));
}

// The archive may be unpacked before /dev exists: a console that was given is kept.
void open_console()
{
    if (fcntl(1, F_GETFD) >= 0)
        return;
    int fd = open("/dev/console", O_RDWR);
    for (int i = 0; i < 3 && fd >= 0; ++i)
        dup2(fd, i);
}
}  // namespace

void become_first_process()
{
    mount_on("proc", "/proc");
    mount_on("devtmpfs", "/dev");
    mount_on("tmpfs", "/tmp");
    open_console();
    termios t{};
    if (tcgetattr(0, &t) == 0) {
        cfmakeraw(&t);  // marks are answered by one byte, and nothing is echoed
        tcsetattr(0, TCSANOW, &t);
    }
    rlimit files{4096, 4096};
    setrlimit(RLIMIT_NOFILE, &files);
}

void load_modules(std::initializer_list<char const *> names)
{
    auto load = [](std::string const &name) {
        int fd = open(("/modules/" + name + ".ko").c_str(), O_RDONLY);
        if (fd < 0)
            return;
        check(syscall(SYS_finit_module, fd, "", 0) == 0, name.c_str());
        close(fd);
    };
    for (auto name : {"virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"})
        load(name);
    for (auto name : names)
        load(name);
}

void end_machine()
{
    std::fflush(stdout);
    tcdrain(1);
    sync();
    reboot(RB_POWER_OFF);
    reboot(RB_AUTOBOOT);
    _exit(1);
}
}  // namespace bench
