// SPDX-License-Identifier: MIT
// Commands about a running domain's network interfaces.
#include <cstdio>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/json.hpp>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/lifecycle.hpp>

namespace {
domid_t guest(Toolstack &tools, std::string const &domain) { return guest_with(tools, domain, "network interfaces"); }

std::string interface_of(domid_t domain, AttachedNic const &nic)  // as domain 0 calls its end
{
    return "vif" + std::to_string(domain) + "." + std::to_string(nic.handle);
}
}  // namespace

int pvctl::restart_nic(std::string const &domain, std::uint32_t handle)
{
    Toolstack tools;
    ::restart_nic(tools.store, guest(tools, domain), handle);
    return 0;
}

int pvctl::list_nics(std::string const &domain, bool as_json)
{
    Toolstack tools;
    auto number = guest(tools, domain);
    auto nics = attached_nics(tools.store, number);
    if (as_json) {
        Json json;
        json.open('[');
        for (auto const &nic : nics) {
            json.open('{').key("devid").value(nic.handle).key("interface").value(interface_of(number, nic));
            json.key("mac").value(nic.mac).key("bridge").value(nic.bridge);
            json.key("connected").value(nic.connected).close('}');
        }
        json.close(']').print();
        return 0;
    }
    std::printf("%-5s %-10s %-18s %-10s %s\n", "Devid", "Interface", "MAC", "State", "Bridge");
    for (auto const &nic : nics)
        std::printf("%-5u %-10s %-18s %-10s %s\n", nic.handle, interface_of(number, nic).c_str(), nic.mac.c_str(),
                    nic.connected ? "connected" : "waiting", nic.bridge.c_str());
    return 0;
}
