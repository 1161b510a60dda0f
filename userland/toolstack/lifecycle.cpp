// SPDX-License-Identifier: MIT
#include <algorithm>
#include <pv/grant_table.h>
#include <pv/memory.h>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/lifecycle.hpp>
#include <userland/toolstack/uuid.hpp>
#include <userland/toolstack/waiting.hpp>

namespace {
xen::Hypervisor open_hypervisor()
{
    auto opened = xen::Hypervisor::open();
    if (!opened.ok())
        throw Failure{std::string{"/dev/xen/privcmd: "} + text_of(opened.error()) + "; pvctl works in domain 0, as root"};
    return opened.take();
}

xen::Store connect_store()
{
    auto connected = xen::Store::connect();
    if (!connected.ok())
        throw Failure{std::string{"xenstored does not answer: "} + text_of(connected.error())
                      + "; start it with: xenstored --daemon"};
    return connected.take();
}

// Until it is complete, a domain that is being made ends with this.
class Unfinished {
public:
    Unfinished(Toolstack &tools, domid_t domain) : tools_{tools}, domain_{domain} {}
    ~Unfinished()
    {
        if (!complete_) {
            (void)xen::destroy_domain(tools_.hypervisor, domain_).ok();
            remove_guest_nodes(tools_.store, domain_);
        }
    }
    void complete() { complete_ = true; }

private:
    Toolstack &tools_;
    domid_t domain_;
    bool complete_ = false;
};

void check_name(Toolstack &tools, std::string const &name)
{
    for (auto const &info : need(xen::all_domains(tools.hypervisor), "the list of domains"))
        if (name_of(tools.store, info.domain) == name)
            throw Failure{name + ": domain " + std::to_string(info.domain)
                          + " has this name; choose another with name=\"...\", or destroy that"};
}

// The first entries of the new domain's grant table let the daemons map its console and store pages.
void grant_pages(Toolstack &tools, domid_t domain, BuiltDomain const &built)
{
    auto table = need(
        tools.hypervisor.map_resource(domain, XENMEM_resource_grant_table, XENMEM_resource_grant_table_id_shared, 1),
        "the new domain's grant table");
    auto entries = table.as<grant_entry_v1>();
    entries[GNTTAB_RESERVED_CONSOLE] = {GTF_permit_access, 0, built.console_frame};
    entries[GNTTAB_RESERVED_XENSTORE] = {GTF_permit_access, 0, built.store_frame};
}

// A guest that lives for a moment only is heard all the same: it does not begin before xenconsoled, if that runs, has its console.
void wait_for_console(xen::Store &store, domid_t domain)
{
    constexpr double patience_seconds = 5;
    if (!store.read("/tool/xenconsoled").ok())
        return;
    auto path = home_of(domain) + "/console/tty";
    (void)wait_for_change(store, path, patience_seconds, [&] { return !store.read(path).value_or("").empty(); });
}

// Frames that the hypervisor keeps of a domain's own besides its memory.
constexpr std::uint64_t slack_kilobytes = 4;
}  // namespace

Toolstack::Toolstack() : hypervisor{open_hypervisor()}, store{connect_store()} {}

GuestIdentity create_guest(Toolstack &tools, GuestConfig const &config, Start start)
{
    check_name(tools, config.name);
    GuestIdentity who{0, config.uuid ? *config.uuid : random_uuid()};
    xen_domain_handle_t handle;
    std::copy(who.uuid.begin(), who.uuid.end(), handle);
    auto &hypervisor = tools.hypervisor;
    who.domain = need(xen::create_domain(hypervisor, handle, config.max_vcpus), "the hypervisor makes no new domain");
    Unfinished unfinished{tools, who.domain};
    need(xen::set_memory_limit(hypervisor, who.domain, (std::uint64_t{config.max_memory_mb} << 10) + slack_kilobytes),
         "the new domain's memory limit");
    need(xen::set_share(hypervisor, who.domain,
                        {static_cast<std::uint16_t>(config.weight), static_cast<std::uint16_t>(config.cap)}),
         "the new domain's weight and cap");
    BuildOrder order{config.kernel, config.ramdisk, config.command_line, config.memory_mb << 8, 0, 0};
    order.store_port = need(xen::make_port(hypervisor, who.domain, 0), "an event channel for xenstore");
    order.console_port = need(xen::make_port(hypervisor, who.domain, 0), "an event channel for the console");
    auto built = build_domain(hypervisor, who.domain, order);
    grant_pages(tools, who.domain, built);
    write_guest_nodes(tools.store, who, config, built, order);
    wait_for_disks(tools.store, who.domain, config.disks);
    need(tools.store.introduce(who.domain, built.store_frame, order.store_port),
         "xenstored does not take the new domain");
    wait_for_console(tools.store, who.domain);
    if (start == Start::running)
        need(xen::unpause_domain(hypervisor, who.domain), "the new domain does not start");
    unfinished.complete();
    return who;
}

xen::DomainInfo info_of(Toolstack &tools, domid_t domain)
{
    auto info = xen::domain_info(tools.hypervisor, domain);
    if (!info.ok() && info.error() == Error::srch)
        throw Failure{"domain " + std::to_string(domain) + ": there is none; pvctl list shows them"};
    return need(std::move(info), "domain " + std::to_string(domain));
}

domid_t guest_with(Toolstack &tools, std::string const &name_or_number, char const *devices)
{
    auto number = find_guest(tools.store, name_or_number);
    info_of(tools, number);
    if (number == 0)
        throw Failure{std::string{"domain 0 has "} + devices + " of its own: they are not pvctl's"};
    return number;
}

void destroy_guest(Toolstack &tools, domid_t domain)
{
    if (domain == 0)
        throw Failure{"domain 0 cannot be destroyed; poweroff ends it, and the machine"};
    info_of(tools, domain);
    need(xen::destroy_domain(tools.hypervisor, domain), "domain " + std::to_string(domain) + " cannot be destroyed");
    (void)tools.store.release(domain).ok();  // xenstored may have seen to it already
    remove_guest_nodes(tools.store, domain);
}

void ask_guest(Toolstack &tools, domid_t domain, std::string const &what)
{
    info_of(tools, domain);
    if (domain == 0)
        throw Failure{"domain 0 is shut down by its own " + what + " command"};
    auto home = home_of(domain);
    if (tools.store.read(home + "/control/feature-" + what).value_or("") == "0")
        throw Failure{name_of(tools.store, domain) + ": its kernel does not know how to " + what
                      + "; pvctl destroy ends it"};
    need(tools.store.write(home + "/control/shutdown", what), home + "/control/shutdown");
}

bool wait_for_end(Toolstack &tools, domid_t domain, double seconds)
{
    return wait_for_change(tools.store, "@releaseDomain", seconds, [&] {
        auto info = xen::domain_info(tools.hypervisor, domain);
        return !info.ok() || (info.value().flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying));
    });
}
