// SPDX-License-Identifier: MIT
// peer DOMAIN REF PORT: the other end of tests/xendev/peer_test.cpp, a program for Debian's Linux in domain 0. It uses Linux's own
// headers: that ours agree with them is part of what is tested.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
// Both know sizes only by name.
#include <cstdint>
using grant_ref_t = std::uint32_t;
using domid_t = std::uint16_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

namespace {
void must(bool good, char const *what)
{
    if (good)
        return;
    std::perror(what);
    std::exit(1);
}

void wait_for_event(int fd)
{
    unsigned port;
    must(read(fd, &port, sizeof port) == sizeof port, "read evtchn");
    must(write(fd, &port, sizeof port) == sizeof port, "write evtchn");
}
}  // namespace

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    auto number = [&](int i) { return static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10)); };
    alarm(60);
    int grants = open("/dev/xen/gntdev", O_RDWR), events = open("/dev/xen/evtchn", O_RDWR);
    must(grants >= 0 && events >= 0, "open /dev/xen");
    ioctl_gntdev_map_grant_ref map{};
    map.count = 1;
    map.refs[0].domid = number(1);
    map.refs[0].ref = number(2);
    must(ioctl(grants, IOCTL_GNTDEV_MAP_GRANT_REF, &map) == 0, "map grant");
    auto memory = static_cast<char *>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, grants, static_cast<off_t>(map.index)));
    must(memory != MAP_FAILED, "mmap");
    ioctl_evtchn_bind_interdomain bind{number(1), number(3)};
    auto port = ioctl(events, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
    must(port > 0, "bind");
    must(std::strcmp(memory, "from the guest") == 0, "first text");
    std::strcpy(memory + 100, "from domain 0");
    ioctl_evtchn_notify notify{static_cast<unsigned>(port)};
    must(ioctl(events, IOCTL_EVTCHN_NOTIFY, &notify) == 0, "notify");
    while (std::strcmp(memory, "second") != 0)
        wait_for_event(events);
    std::strcpy(memory + 100, "second, too");
    must(ioctl(events, IOCTL_EVTCHN_NOTIFY, &notify) == 0, "notify");
    std::puts("peer: ok");
}
