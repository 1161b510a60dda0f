// SPDX-License-Identifier: MIT
// With tests/xen/peer.cpp in domain 0, a Linux: a page that we grant and it maps, a channel that it binds. Run by name only.
#include "device.hpp"
#include <poll.h>
#include <pv/sys/evtchn.h>
#include <pv/sys/gntalloc.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace xendev;

namespace {
void wait_for_event(int fd, unsigned expected)
{
    struct pollfd p = {fd, POLLIN, 0};
    CHECK_EQ(poll(&p, 1, 25'000), 1);
    unsigned port;
    CHECK_EQ(read(fd, &port, sizeof port), 4);
    CHECK_EQ(port, expected);
    CHECK_EQ(write(fd, &port, sizeof port), 4);
}
}  // namespace

TEST(peer, page_and_channel)
{
    Store s;
    if (s.ask(XS_READ, nul("data/peer-wanted")).header.type == XS_ERROR)
        return;  // nobody is there to answer
    ioctl_gntalloc_alloc_gref grant{0, GNTALLOC_FLAG_WRITABLE, 1, 0, {0}};
    int pages = open_device("gntalloc"), events = open_device("evtchn");
    CHECK_EQ(ioctl(pages, IOCTL_GNTALLOC_ALLOC_GREF, &grant), 0);
    auto memory = static_cast<char *>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, pages, static_cast<off_t>(grant.index)));
    CHECK(memory != MAP_FAILED);
    ioctl_evtchn_bind_unbound_port unbound{0};
    int port = ioctl(events, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);
    CHECK(port > 0);
    std::strcpy(memory, "from the guest");
    s.write("data/peer", std::to_string(grant.gref_ids[0]) + " " + std::to_string(port));
    wait_for_event(events, static_cast<unsigned>(port));
    CHECK_EQ(std::string{memory + 100}, std::string{"from domain 0"});
    std::strcpy(memory, "second");
    ioctl_evtchn_notify n{static_cast<unsigned>(port)};
    CHECK_EQ(ioctl(events, IOCTL_EVTCHN_NOTIFY, &n), 0);
    wait_for_event(events, static_cast<unsigned>(port));
    CHECK_EQ(std::string{memory + 100}, std::string{"second, too"});
}
