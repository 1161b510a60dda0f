// SPDX-License-Identifier: MIT
#include <ctime>
#include <fcntl.h>
#include <lib/addr.hpp>
#include <pv/grant_table.h>
#include <pv/xen.h>
#include <sys/ioctl.h>
#include <userland/common/system_error.hpp>
#include <userland/xenstored/permissions.hpp>
#include <userland/xenstored/xen_machine.hpp>

namespace xenstore {
namespace {
// /dev/xen/xenbus_backend: our own kernel's end of its ring. The ioctl gives the port, mmap the page.
constexpr char kernel_device[] = "/dev/xen/xenbus_backend";
constexpr unsigned long get_port = 'B' << 8;
}  // namespace

Result<std::unique_ptr<XenMachine>> XenMachine::open(std::string &where)
{
    where = "/dev/xen/privcmd";
    auto hypervisor = TRY(xen::Hypervisor::open());
    where = "/dev/xen/evtchn";
    auto events = TRY(xen::EventChannels::open());
    where = "the virtual interrupt that tells of a domain's end";
    auto ended = TRY(events.bind_virq(VIRQ_DOM_EXC));
    return std::unique_ptr<XenMachine>{new XenMachine{std::move(hypervisor), std::move(events), ended}};
}

Machine::DomainState XenMachine::state_of(domid_t domain)
{
    xen_domctl argument{};
    argument.cmd = XEN_DOMCTL_getdomaininfo;
    argument.domain = domain;
    auto const &info = argument.u.getdomaininfo;
    if (!hypervisor_.domctl(argument).ok() || info.domain != domain || (info.flags & XEN_DOMINF_dying))
        return DomainState::gone;
    return info.flags & XEN_DOMINF_shutdown ? DomainState::shut_down : DomainState::running;
}

Result<xen::GrantedPage> XenMachine::map_kernel_ring()
{
    Fd device{::open(kernel_device, O_RDWR | O_CLOEXEC)};
    if (!device)
        return last_error();
    void *at = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, device.get(), 0);
    if (at == MAP_FAILED)
        return last_error();
    return xen::GrantedPage{std::move(device), Mapping{at, page_size}};
}

std::optional<evtchn_port_t> XenMachine::kernel_port()
{
    Fd device{::open(kernel_device, O_RDWR | O_CLOEXEC)};
    int port = device ? ioctl(device.get(), get_port, 0) : -1;
    return port > 0 ? std::optional{static_cast<evtchn_port_t>(port)} : std::nullopt;
}

// By the grant that the toolstack has made for us; by the frame, if it has not.
Result<xenstore_domain_interface *> XenMachine::map_ring(domid_t domain, std::uint32_t frame)
{
    auto page = domain == control_domain ? map_kernel_ring() : xen::map_granted(domain, GNTTAB_RESERVED_XENSTORE);
    if (!page.ok() && domain != control_domain) {
        xen_pfn_t const frames[] = {frame};
        page = xen::GrantedPage{Fd{}, TRY(hypervisor_.map_foreign(domain, frames, PROT_READ | PROT_WRITE))};
    }
    if (!page.ok())
        return page.error();
    auto at = page.value().page.as<xenstore_domain_interface>();
    rings_.emplace(at, page.take());
    return at;
}

void XenMachine::unmap_ring(xenstore_domain_interface *page) { rings_.erase(page); }

Result<evtchn_port_t> XenMachine::bind(domid_t domain, evtchn_port_t theirs)
{
    return events_.bind_interdomain(domain, theirs);
}

std::uint64_t XenMachine::now_ms()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}
}  // namespace xenstore
