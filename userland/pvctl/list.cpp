// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <userland/pvctl/commands.hpp>
#include <userland/pvctl/rows.hpp>
#include <userland/toolstack/failure.hpp>
#include <userland/toolstack/uuid.hpp>

namespace {
std::string state_of(xen::DomainInfo const &info)
{
    auto reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    bool shut_down = info.flags & XEN_DOMINF_shutdown, crashed = shut_down && reason == SHUTDOWN_crash;
    std::string state;
    state += info.flags & XEN_DOMINF_running ? 'r' : '-';
    state += info.flags & XEN_DOMINF_blocked ? 'b' : '-';
    state += info.flags & XEN_DOMINF_paused ? 'p' : '-';
    state += shut_down && !crashed ? 's' : '-';
    state += crashed ? 'c' : '-';
    state += info.flags & XEN_DOMINF_dying ? 'd' : '-';
    return state;
}

Row row_of(Toolstack &tools, xen::DomainInfo const &info)
{
    Uuid uuid;
    std::copy(std::begin(info.handle), std::end(info.handle), uuid.begin());
    return {info.domain,         name_of(tools.store, info.domain),
            info.tot_pages >> 8, info.nr_online_vcpus,
            state_of(info),      info.cpu_time,
            text_of(uuid)};
}
}  // namespace

std::vector<Row> rows_of(Toolstack &tools, std::vector<std::string> const &names)
{
    std::vector<Row> rows;
    if (names.empty())
        for (auto const &info : need(xen::all_domains(tools.hypervisor), "the list of domains"))
            rows.push_back(row_of(tools, info));
    for (auto const &name : names)
        rows.push_back(row_of(tools, info_of(tools, find_guest(tools.store, name))));
    return rows;
}

void write_row(Json &json, Row const &row)
{
    json.open('{').key("domid").value(std::uint32_t{row.domain}).key("name").value(row.name);
    json.key("memory_mb").value(row.memory_mb).key("vcpus").value(row.vcpus).key("state").value(row.state);
    json.key("cpu_ns").value(row.cpu_ns).key("uuid").value(row.uuid).close('}');
}

std::string seconds_text(std::uint64_t ns)
{
    char text[32];
    std::snprintf(text, sizeof text, "%llu.%llu", static_cast<unsigned long long>(ns / 1'000'000'000),
                  static_cast<unsigned long long>(ns / 100'000'000 % 10));
    return text;
}

int pvctl::list(Names const &names, bool as_json)
{
    Toolstack tools;
    auto rows = rows_of(tools, names);
    if (as_json) {
        Json json;
        json.open('[');
        for (auto const &row : rows)
            write_row(json, row);
        json.close(']').print();
        return 0;
    }
    std::printf("%-32s %5s %6s %5s %6s %10s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)");
    for (auto const &row : rows)
        std::printf("%-32s %5u %6llu %5u %6s %10s\n", row.name.c_str(), row.domain,
                    static_cast<unsigned long long>(row.memory_mb), row.vcpus, row.state.c_str(),
                    seconds_text(row.cpu_ns).c_str());
    return 0;
}
