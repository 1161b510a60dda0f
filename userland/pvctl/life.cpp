// SPDX-License-Identifier: MIT
// Commands that begin, stop and end domains' running.
#include <cstdio>
#include <functional>
#include <userland/pvctl/attach.hpp>
#include <userland/pvctl/commands.hpp>
#include <userland/toolstack/failure.hpp>

namespace {
// For each of them, as far as it goes: what fails for one domain is told, and the others are seen to.
int for_each(Toolstack &tools, pvctl::Names const &names, std::function<void(domid_t)> const &act)
{
    int status = 0;
    for (auto const &name : names)
        try {
            act(find_guest(tools.store, name));
        } catch (Failure const &failure) {
            std::fprintf(stderr, "pvctl: %s\n", failure.what());
            status = 1;
        }
    return status;
}
}  // namespace

int pvctl::destroy(pvctl::Names const &names)
{
    Toolstack tools;
    return for_each(tools, names, [&](domid_t domain) { destroy_guest(tools, domain); });
}

int pvctl::pause(pvctl::Names const &names)
{
    Toolstack tools;
    return for_each(tools, names, [&](domid_t domain) {
        if (info_of(tools, domain).flags & XEN_DOMINF_paused)
            throw Failure{name_of(tools.store, domain) + " is paused already"};
        need(xen::pause_domain(tools.hypervisor, domain), name_of(tools.store, domain) + " cannot be paused");
    });
}

int pvctl::unpause(pvctl::Names const &names)
{
    Toolstack tools;
    return for_each(tools, names, [&](domid_t domain) {
        if (!(info_of(tools, domain).flags & XEN_DOMINF_paused))
            throw Failure{name_of(tools.store, domain) + " is not paused"};
        need(xen::unpause_domain(tools.hypervisor, domain), name_of(tools.store, domain) + " cannot be unpaused");
    });
}

int pvctl::shut_down(pvctl::Names const &names, std::string const &what, bool wait, double timeout_seconds)
{
    Toolstack tools;
    std::vector<domid_t> asked;
    int status = for_each(tools, names, [&](domid_t domain) {
        ask_guest(tools, domain, what);
        asked.push_back(domain);
    });
    for (auto domain : wait ? asked : std::vector<domid_t>{})
        if (!wait_for_end(tools, domain, timeout_seconds)) {
            std::fprintf(stderr, "pvctl: %s goes on running; pvctl destroy ends it\n",
                         name_of(tools.store, domain).c_str());
            status = 1;
        }
    return status;
}

int pvctl::rename(std::string const &domain, std::string const &name)
{
    Toolstack tools;
    auto number = find_guest(tools.store, domain);
    info_of(tools, number);
    need(tools.store.write(home_of(number) + "/name", name), "the new name");
    return 0;
}

int pvctl::console(std::string const &domain)
{
    Toolstack tools;
    auto number = find_guest(tools.store, domain);
    if (number == 0)
        throw Failure{"domain 0's console is this machine's"};
    info_of(tools, number);
    return Attachment{tools, number}.serve(name_of(tools.store, number));
}

int pvctl::set_memory(std::string const &domain, std::uint32_t megabytes)
{
    Toolstack tools;
    auto number = find_guest(tools.store, domain);
    info_of(tools, number);
    auto home = home_of(number);
    auto most = std::strtoull(tools.store.read(home + "/memory/static-max").value_or("0").c_str(), nullptr, 10) >> 10;
    if (number != 0 && megabytes > most)
        throw Failure{name_of(tools.store, number) + " can have " + std::to_string(most)
                      + " MB at most (maxmem in its guest file)"};
    need(xen::set_memory_limit(tools.hypervisor, number, (std::uint64_t{megabytes} << 10) + 4),
         "the domain's memory limit");
    need(tools.store.write(home + "/memory/target", std::to_string(megabytes << 10)), home + "/memory/target");
    return 0;
}
