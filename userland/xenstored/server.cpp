// SPDX-License-Identifier: MIT
#include <userland/common/system_error.hpp>
#include <userland/xenstored/server.hpp>

namespace xenstore {
namespace {
// A machine without domains.
class NoMachine final : public Machine {
public:
    DomainState state_of(domid_t) override { return DomainState::gone; }
    Result<xenstore_domain_interface *> map_ring(domid_t, std::uint32_t) override { return Error::nodev; }
    void unmap_ring(xenstore_domain_interface *) override {}
    Result<evtchn_port_t> bind(domid_t, evtchn_port_t) override { return Error::nodev; }
    void unbind(evtchn_port_t) override {}
    void notify(evtchn_port_t) override {}
    std::uint64_t now_ms() override { return 0; }
};

// What clients expect to be there (xenstore-paths).
constexpr char const *first_nodes[] = {"/tool/xenstored", "/local/domain", "/vm"};
}  // namespace

Server::Server(Limits limits, std::unique_ptr<XenMachine> xen)
    : store_{limits}, xen_{std::move(xen)}, none_{xen_ ? nullptr : std::make_unique<NoMachine>()},
      domains_{store_, xen_ ? static_cast<Machine &>(*xen_) : *none_, log_}, sockets_{Services{store_, domains_, log_}}
{
}

void Server::begin()
{
    for (auto path : first_nodes)
        (void)store_.at_once(Identity{control_domain}, [&](Operations &o) { return o.make_directory(path); }).ok();
    if (!xen_)
        return;
    for (auto node : {std::pair{"/name", "Domain-0"}, {"/domid", "0"}})
        (void)store_
            .at_once(Identity{control_domain},
                     [&](Operations &o) { return o.write(home_of(control_domain) + node.first, node.second); })
            .ok();
    if (auto port = xen_->kernel_port()) {
        auto result = domains_.introduce(control_domain, 0, *port);
        if (!result.ok())
            log_.line("the kernel of domain 0 is not served: %s", text_of(result.error()));
    }
}

void Server::take_events()
{
    for (auto port : xen_->take_events())
        if (port == xen_->domain_ended_port())
            domains_.on_domain_ended();
        else
            domains_.on_event(port);
}

void Server::wait(bool at_once)
{
    fds_.clear();
    sockets_.prepare(fds_);
    if (xen_)
        fds_.push_back({xen_->event_fd(), POLLIN, 0});
    if (poll(fds_.data(), fds_.size(), at_once ? 0 : domains_.wait_ms()) <= 0)
        return;
    sockets_.take(fds_);
    if (xen_ && fds_.back().revents)
        take_events();
}

void Server::run()
{
    for (bool more = false;;) {
        wait(more);
        more = domains_.serve();
        more = sockets_.serve() || more;
    }
}
}  // namespace xenstore
