// SPDX-License-Identifier: MIT
// Commands about a running domain's disks.
#include <cstdio>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/json.hpp>
#include <userland/toolstack/device_config.hpp>
#include <userland/toolstack/device_nodes.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/lifecycle.hpp>

namespace {
domid_t guest(Toolstack &tools, std::string const &domain) { return guest_with(tools, domain, "disks"); }
}  // namespace

int pvctl::attach_disk(std::string const &domain, std::string const &text)
{
    std::string why;
    auto disk = parse_disk(text, why);
    if (!disk)
        throw Failure{text + ": " + why};
    Toolstack tools;
    ::attach_disk(tools.store, guest(tools, domain), *disk);
    return 0;
}

int pvctl::detach_disk(std::string const &domain, std::string const &vdev)
{
    Toolstack tools;
    ::detach_disk(tools.store, guest(tools, domain), vdev);
    return 0;
}

int pvctl::restart_disk(std::string const &domain, std::string const &vdev)
{
    Toolstack tools;
    ::restart_disk(tools.store, guest(tools, domain), vdev);
    return 0;
}

int pvctl::list_disks(std::string const &domain, bool as_json)
{
    Toolstack tools;
    auto disks = attached_disks(tools.store, guest(tools, domain));
    if (as_json) {
        Json json;
        json.open('[');
        for (auto const &disk : disks) {
            json.open('{').key("vdev").value(disk.vdev).key("target").value(disk.target);
            json.key("writable").value(disk.writable).key("connected").value(disk.connected).close('}');
        }
        json.close(']').print();
        return 0;
    }
    std::printf("%-8s %-6s %-10s %s\n", "Disk", "Access", "State", "Target");
    for (auto const &disk : disks)
        std::printf("%-8s %-6s %-10s %s\n", disk.vdev.c_str(), disk.writable ? "w" : "r",
                    disk.connected ? "connected" : "waiting", disk.target.c_str());
    return 0;
}
