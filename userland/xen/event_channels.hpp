// SPDX-License-Identifier: MIT
// Event channels of a program: /dev/xen/evtchn (include/pv/sys/evtchn.h).
#pragma once
#include <lib/result.hpp>
#include <pv/abi.h>
#include <userland/common/fd.hpp>
#include <vector>

namespace xen {
class EventChannels {
public:
    static Result<EventChannels> open();  // not blocking
    int fd() const { return fd_.get(); }  // readable while a port has fired

    // Each gives a port of ours, which is unbound with this object at the latest.
    Result<evtchn_port_t> bind_interdomain(domid_t, evtchn_port_t theirs);
    Result<evtchn_port_t> bind_unbound(domid_t whose);  // for that domain to bind
    Result<evtchn_port_t> bind_virq(std::uint32_t virq);
    void unbind(evtchn_port_t);
    void notify(evtchn_port_t);

    // The ports that have fired since, armed again.
    std::vector<evtchn_port_t> take();

private:
    explicit EventChannels(Fd fd) : fd_{std::move(fd)} {}
    Result<evtchn_port_t> call(unsigned long request, void *argument);
    Fd fd_;
};
}  // namespace xen
