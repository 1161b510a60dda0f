// SPDX-License-Identifier: MIT
// /dev/xen/evtchn: both ends of a channel in this domain.
#include "device.hpp"
#include <fcntl.h>
#include <poll.h>
#include <pv/sys/evtchn.h>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace xendev;

namespace {
struct Channel {
    int fd = open_device("evtchn");
    unsigned a, b;  // two ends of one channel
    Channel()
    {
        auto self = own_domain();
        ioctl_evtchn_bind_unbound_port unbound{self};
        auto port = ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);
        CHECK(port > 0);
        a = static_cast<unsigned>(port);
        ioctl_evtchn_bind_interdomain to{self, a};
        port = ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &to);
        CHECK(port > 0);
        b = static_cast<unsigned>(port);
        drain();
    }
    void drain() const  // the hypervisor announces a new channel
    {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        unsigned port;
        usleep(10'000);
        while (read(fd, &port, sizeof port) == sizeof port)
            CHECK_EQ(write(fd, &port, sizeof port), static_cast<ssize_t>(sizeof port));
        fcntl(fd, F_SETFL, 0);
    }
    int notify(unsigned port) const
    {
        ioctl_evtchn_notify n{port};
        return ioctl(fd, IOCTL_EVTCHN_NOTIFY, &n);
    }
    bool readable() const
    {
        struct pollfd p = {fd, POLLIN, 0};
        return poll(&p, 1, 100) == 1 && (p.revents & POLLIN);
    }
};
}  // namespace

TEST(evtchn, an_event_is_read_once_and_masked)
{
    Channel c;
    unsigned port = 0;
    CHECK_EQ(c.notify(c.a), 0);
    CHECK(c.readable());
    CHECK_EQ(read(c.fd, &port, sizeof port), static_cast<ssize_t>(sizeof port));
    CHECK_EQ(port, c.b);
    CHECK_EQ(c.notify(c.a), 0);
    CHECK(!c.readable());  // masked
    CHECK_EQ(write(c.fd, &port, sizeof port), static_cast<ssize_t>(sizeof port));
    CHECK(c.readable());  // what came meanwhile
    CHECK_EQ(read(c.fd, &port, sizeof port), static_cast<ssize_t>(sizeof port));
    CHECK_EQ(port, c.b);
}

TEST(evtchn, both_directions_in_one_read)
{
    Channel c;
    CHECK_EQ(c.notify(c.a), 0);
    CHECK_EQ(c.notify(c.b), 0);
    unsigned ports[4] = {};
    CHECK(c.readable());
    CHECK_EQ(read(c.fd, ports, sizeof ports), 8);
    CHECK((ports[0] == c.a && ports[1] == c.b) || (ports[0] == c.b && ports[1] == c.a));
}

TEST(evtchn, errors)
{
    Channel c;
    CHECK_ERRNO(c.notify(1023), ENOTCONN);
    ioctl_evtchn_unbind u{1023};
    CHECK_ERRNO(ioctl(c.fd, IOCTL_EVTCHN_UNBIND, &u), ENOTCONN);
    ioctl_evtchn_bind_interdomain nobody{own_domain(), 1000};
    CHECK_ERRNO(ioctl(c.fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &nobody), EINVAL);
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    unsigned port;
    CHECK_ERRNO(read(c.fd, &port, sizeof port), EAGAIN);
    CHECK_EQ(read(c.fd, &port, 3), 0);
    Channel other;
    CHECK_ERRNO(other.notify(c.a), ENOTCONN);  // another file's
}

TEST(evtchn, unbind_frees_the_port)
{
    Channel c;
    ioctl_evtchn_unbind u{c.b};
    CHECK_EQ(ioctl(c.fd, IOCTL_EVTCHN_UNBIND, &u), 0);
    CHECK_ERRNO(c.notify(c.b), ENOTCONN);
    for (int i = 0; i < 1500; ++i) {  // more than there are ports
        int fd = open_device("evtchn");
        ioctl_evtchn_bind_unbound_port to{0};
        CHECK(ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &to) > 0);
        close(fd);
    }
}

TEST(evtchn, reset_forgets)
{
    Channel c;
    CHECK_EQ(c.notify(c.a), 0);
    CHECK(c.readable());
    CHECK_EQ(ioctl(c.fd, IOCTL_EVTCHN_RESET), 0);
    CHECK(!c.readable());
}

TEST(evtchn, restrict)
{
    Channel c;
    ioctl_evtchn_restrict_domid bad{0}, good{77};
    CHECK_ERRNO(ioctl(c.fd, IOCTL_EVTCHN_RESTRICT_DOMID, &bad), EINVAL);
    CHECK_EQ(ioctl(c.fd, IOCTL_EVTCHN_RESTRICT_DOMID, &good), 0);
    CHECK_ERRNO(ioctl(c.fd, IOCTL_EVTCHN_RESTRICT_DOMID, &good), EACCES);
    ioctl_evtchn_bind_unbound_port other{0};
    CHECK_ERRNO(ioctl(c.fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &other), EACCES);
    ioctl_evtchn_bind_virq virq{0};
    CHECK_ERRNO(ioctl(c.fd, IOCTL_EVTCHN_BIND_VIRQ, &virq), EACCES);
}
