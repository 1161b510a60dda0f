// SPDX-License-Identifier: MIT
#include <cstdio>
#include <userland/pvctl/attach.hpp>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/json.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/monitor.hpp>
#include <userland/toolstack/uuid.hpp>

namespace {
void tell(GuestConfig const &config, GuestIdentity const &who, bool json)
{
    if (!json)
        return;
    Json out;
    out.open('{').key("domid").value(std::uint32_t{who.domain});
    out.key("name").value(config.name).key("uuid").value(text_of(who.uuid)).close('}').print();
}
}  // namespace

int pvctl::create(CreateOptions const &options)
{
    std::string more;
    for (auto const &setting : options.settings)
        more += config::from_word(setting) + "\n";
    auto config = read_guest_file(options.file, more);
    Toolstack tools;
    bool later = options.console || options.paused;  // a console sees all from the first line on
    auto who = create_guest(tools, config, later ? Start::paused : Start::running);
    start_monitor(config, who);
    tell(config, who, options.json);
    if (!options.console)
        return 0;
    Attachment attachment{tools, who.domain};
    if (!options.paused)
        need(xen::unpause_domain(tools.hypervisor, who.domain), "the new domain does not start");
    return attachment.serve(config.name);
}
