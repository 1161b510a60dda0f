// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <pv/sys/evtchn.h>
#include <sys/ioctl.h>
#include <userland/common/system_error.hpp>
#include <userland/xen/event_channels.hpp>

namespace xen {
Result<EventChannels> EventChannels::open()
{
    Fd fd{::open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    if (!fd)
        return last_error();
    return EventChannels{std::move(fd)};
}

Result<evtchn_port_t> EventChannels::call(unsigned long request, void *argument)
{
    int result = ioctl(fd_.get(), request, argument);
    if (result < 0)
        return last_error();
    return static_cast<evtchn_port_t>(result);
}

Result<evtchn_port_t> EventChannels::bind_interdomain(domid_t domain, evtchn_port_t theirs)
{
    ioctl_evtchn_bind_interdomain argument{domain, theirs};
    return call(IOCTL_EVTCHN_BIND_INTERDOMAIN, &argument);
}

Result<evtchn_port_t> EventChannels::bind_unbound(domid_t whose)
{
    ioctl_evtchn_bind_unbound_port argument{whose};
    return call(IOCTL_EVTCHN_BIND_UNBOUND_PORT, &argument);
}

Result<evtchn_port_t> EventChannels::bind_virq(std::uint32_t virq)
{
    ioctl_evtchn_bind_virq argument{virq};
    return call(IOCTL_EVTCHN_BIND_VIRQ, &argument);
}

// Fails only for a port that is not bound, and then there is nothing to do.
void EventChannels::unbind(evtchn_port_t port)
{
    ioctl_evtchn_unbind argument{port};
    (void)call(IOCTL_EVTCHN_UNBIND, &argument).ok();
}

// A peer that has gone needs no event.
void EventChannels::notify(evtchn_port_t port)
{
    ioctl_evtchn_notify argument{port};
    (void)call(IOCTL_EVTCHN_NOTIFY, &argument).ok();
}

// Reading masks the ports that it gives, writing them back unmasks them.
std::vector<evtchn_port_t> EventChannels::take()
{
    std::vector<evtchn_port_t> fired;
    evtchn_port_t ports[64];
    for (;;) {
        auto n = read(fd_.get(), ports, sizeof ports);
        if (n <= 0)
            return fired;
        [[maybe_unused]] auto written = write(fd_.get(), ports, static_cast<std::size_t>(n));
        fired.insert(fired.end(), ports, ports + static_cast<std::size_t>(n) / sizeof ports[0]);
        if (static_cast<std::size_t>(n) < sizeof ports)
            return fired;
    }
}
}  // namespace xen
