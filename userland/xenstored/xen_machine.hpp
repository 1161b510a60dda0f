// SPDX-License-Identifier: MIT
// The Machine of a real control domain, through the devices in /dev/xen.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <userland/xen/event_channels.hpp>
#include <userland/xen/grants.hpp>
#include <userland/xen/hypervisor.hpp>
#include <userland/xenstored/machine.hpp>

namespace xenstore {
class XenMachine final : public Machine {
public:
    // On an error `where` is the device that it was about.
    static Result<std::unique_ptr<XenMachine>> open(std::string &where);

    DomainState state_of(domid_t) override;
    Result<xenstore_domain_interface *> map_ring(domid_t, std::uint32_t frame) override;
    void unmap_ring(xenstore_domain_interface *) override;
    Result<evtchn_port_t> bind(domid_t, evtchn_port_t theirs) override;
    void unbind(evtchn_port_t ours) override { events_.unbind(ours); }
    void notify(evtchn_port_t ours) override { events_.notify(ours); }
    std::uint64_t now_ms() override;

    // The port at which our own kernel waits for us, if it has a client in it.
    std::optional<evtchn_port_t> kernel_port();

    int event_fd() const { return events_.fd(); }
    std::vector<evtchn_port_t> take_events() { return events_.take(); }
    evtchn_port_t domain_ended_port() const { return domain_ended_; }

private:
    XenMachine(xen::Hypervisor hypervisor, xen::EventChannels events, evtchn_port_t domain_ended)
        : hypervisor_{std::move(hypervisor)}, events_{std::move(events)}, domain_ended_{domain_ended}
    {
    }
    Result<xen::GrantedPage> map_kernel_ring();

    xen::Hypervisor hypervisor_;
    xen::EventChannels events_;
    evtchn_port_t domain_ended_;
    std::map<xenstore_domain_interface *, xen::GrantedPage> rings_;
};
}  // namespace xenstore
