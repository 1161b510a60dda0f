// SPDX-License-Identifier: MIT
// Commands about the whole machine and its scheduler.
#include <cstdio>
#include <pv/hypercalls.h>
#include <pv/version.h>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/rows.hpp>
#include <userland/toolstack/failure.hpp>

namespace {
template <class Array>
std::string text_of(xen::Hypervisor &hypervisor, std::uint32_t what)
{
    struct {
        Array text;
    } answer{};
    (void)hypervisor.call_with(__HYPERVISOR_xen_version, what, answer).ok();
    return {answer.text, strnlen(answer.text, sizeof answer.text)};
}

std::string version_of(xen::Hypervisor &hypervisor)
{
    auto number = hypervisor.call(__HYPERVISOR_xen_version, XENVER_version, 0).value_or(0);
    return std::to_string(number >> 16) + "." + std::to_string(number & 0xffff)
        + text_of<xen_extraversion_t>(hypervisor, XENVER_extraversion);
}

std::string capabilities_of(xen::Hypervisor &hypervisor)
{
    return text_of<xen_capabilities_info_t>(hypervisor, XENVER_capabilities);
}

char const *scheduler_name(xen::Hypervisor &hypervisor)
{
    xen_sysctl op{};
    op.cmd = XEN_SYSCTL_sched_id;
    if (!hypervisor.sysctl(op).ok())
        return "unknown";
    switch (op.u.sched_id.sched_id) {
    case XEN_SCHEDULER_CREDIT: return "credit";
    case XEN_SCHEDULER_CREDIT2: return "credit2";
    default: return "another";
    }
}
}  // namespace

int pvctl::machine_info(bool as_json)
{
    Toolstack tools;
    auto &h = tools.hypervisor;
    auto m = need(xen::machine_info(h), "the machine");
    auto domains = need(xen::all_domains(h), "the list of domains").size();
    auto version = version_of(h), capabilities = capabilities_of(h);
    if (as_json) {
        Json json;
        json.open('{').key("version").value(version).key("capabilities").value(capabilities);
        json.key("scheduler").value(scheduler_name(h)).key("processors").value(m.nr_cpus);
        json.key("cpu_khz").value(m.cpu_khz).key("total_mb").value(std::uint64_t{m.total_pages >> 8});
        json.key("free_mb").value(std::uint64_t{m.free_pages >> 8}).key("domains").value(std::uint64_t{domains});
        json.close('}').print();
        return 0;
    }
    std::printf("version       %s\ncapabilities  %s\nscheduler     %s\nprocessors    %u at %u MHz\n"
                "memory        %llu MB, %llu MB free\ndomains       %zu\n",
                version.c_str(), capabilities.c_str(), scheduler_name(h), m.nr_cpus, m.cpu_khz / 1000,
                static_cast<unsigned long long>(m.total_pages >> 8), static_cast<unsigned long long>(m.free_pages >> 8),
                domains);
    return 0;
}

int pvctl::counters(bool as_json)
{
    Toolstack tools;
    auto all = need(xen::counters(tools.hypervisor), "the hypervisor's counters");
    auto machine = need(xen::machine_info(tools.hypervisor), "the machine");
    all.insert(all.begin(), {"free frames", machine.free_pages});
    Json json;
    json.open('{');
    for (auto const &[name, value] : all) {
        json.key(name).value(value);
        if (!as_json)
            std::printf("%-40s %12llu\n", name.c_str(), static_cast<unsigned long long>(value));
    }
    json.close('}');
    if (as_json)
        json.print();
    return 0;
}

int pvctl::messages(bool clear)
{
    Toolstack tools;
    auto text = need(xen::messages(tools.hypervisor, clear), "the hypervisor's messages");
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

int pvctl::schedule(std::string const &domain, std::optional<std::uint32_t> weight, std::optional<std::uint32_t> cap,
                    bool as_json)
{
    Toolstack tools;
    if (domain.empty() && (weight || cap))
        throw Failure{"--weight and --cap need a domain"};
    auto rows = rows_of(tools, domain.empty() ? pvctl::Names{} : pvctl::Names{domain});
    Json json;
    json.open('[');
    if (!as_json && !weight && !cap)
        std::printf("%-32s %5s %7s %5s\n", "Name", "ID", "Weight", "Cap");
    for (auto const &row : rows) {
        auto share = need(xen::get_share(tools.hypervisor, row.domain), row.name);
        if (weight || cap) {
            share = {static_cast<std::uint16_t>(weight.value_or(share.weight)),
                     static_cast<std::uint16_t>(cap.value_or(share.cap))};
            need(xen::set_share(tools.hypervisor, row.domain, share),
                 row.name + ": the hypervisor refuses this weight or cap");
        } else if (!as_json) {
            std::printf("%-32s %5u %7u %5u\n", row.name.c_str(), row.domain, share.weight, share.cap);
        }
        json.open('{').key("domid").value(std::uint32_t{row.domain}).key("name").value(row.name);
        json.key("weight").value(std::uint32_t{share.weight}).key("cap").value(std::uint32_t{share.cap}).close('}');
    }
    json.close(']');
    if (as_json)
        json.print();
    return 0;
}
