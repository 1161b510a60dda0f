// SPDX-License-Identifier: MIT
// XS_CONTROL: what an administrator may ask of the daemon itself (xenstore-control).
#include <userland/xenstored/domains.hpp>
#include <userland/xenstored/log.hpp>
#include <userland/xenstored/requests.hpp>

namespace xenstore {
namespace {
using Strings = std::vector<std::string_view>;

struct Command {
    char const *name, *parameters;
    Result<std::string> (*run)(Services &, Strings const &parameters);
};

Result<std::string> check(Services &s, Strings const &)
{
    auto wrong = s.store.check();
    if (!wrong.empty())
        s.log.line("check: %s", wrong.c_str());
    return wrong.empty() ? "OK" : wrong;
}

Result<std::string> log(Services &s, Strings const &p)
{
    if (p.size() != 1 || (p[0] != "on" && p[0] != "off"))
        return Error::inval;
    s.log.trace(p[0] == "on");
    return std::string{"OK"};
}

Result<std::string> logfile(Services &s, Strings const &p)
{
    if (p.size() != 1 || p[0].empty())
        return Error::inval;
    TRY(s.log.open(std::string{p[0]}));
    return std::string{"OK"};
}

std::string account_line(domid_t domain, Charge const &c)
{
    char text[120];
    std::snprintf(text, sizeof text, "%5u %7lld %9lld %7lld %12lld\n", domain, static_cast<long long>(c.nodes),
                  static_cast<long long>(c.bytes), static_cast<long long>(c.watches),
                  static_cast<long long>(c.transactions));
    return text;
}

Result<std::string> memory_report(Services &s, Strings const &p)
{
    auto file = s.log.file();
    std::FILE *other = nullptr;
    if (p.size() == 1 && !(file = other = std::fopen(std::string{p[0]}.c_str(), "we")))
        return static_cast<Error>(errno);
    std::fprintf(file, "%zu nodes, %zu watches, %zu domains\ndomain nodes bytes watches transactions\n",
                 s.store.tree().size(), s.store.watches().size(), s.domains.size());
    for (auto const &[domain, held] : s.store.accounts().all())
        std::fputs(account_line(domain, held).c_str(), file);
    if (other)
        std::fclose(other);
    return std::string{"OK"};
}

Result<std::string> print(Services &s, Strings const &p)
{
    if (p.size() != 1)
        return Error::inval;
    s.log.line("%.*s", static_cast<int>(p[0].size()), p[0].data());
    return std::string{"OK"};
}

std::string all_limits(Limits const &limits)
{
    std::string text;
    for (auto const &limit : limits) {
        char line[120];
        std::snprintf(line, sizeof line, "%-18s %8u  %s\n", limit.name, limits.*limit.value, limit.meaning);
        text += line;
    }
    return text;
}

Result<std::string> quota(Services &s, Strings const &p)
{
    auto &limits = s.store.accounts().limits();
    if (p.empty())
        return all_limits(limits);
    if (p.size() == 3 && p[0] == "set") {
        auto limit = Limits::find(p[1]);
        if (!limit)
            return Error::inval;
        limits.*limit->value = TRY(number_of(p[2], UINT32_MAX));
        return std::string{"OK"};
    }
    if (p.size() != 1)
        return Error::inval;
    auto domain = static_cast<domid_t>(TRY(number_of(p[0], 0xffff)));
    return "domain   nodes     bytes watches transactions\n " + account_line(domain, s.store.accounts().held(domain));
}

Result<std::string> help(Services &, Strings const &);

constexpr Command commands[] = {
    {"check", "", check},
    {"help", "", help},
    {"log", "on|off", log},
    {"logfile", "<file>", logfile},
    {"memreport", "[<file>]", memory_report},
    {"print", "<text>", print},
    {"quota", "[<domid>|set <name> <value>]", quota},
};

Result<std::string> help(Services &, Strings const &)
{
    std::string text;
    for (auto const &command : commands)
        text += std::string{command.name} + (command.parameters[0] ? " " : "") + command.parameters + "\n";
    return text;
}
}  // namespace

Result<std::string> Requests::control(Request const &request)
{
    auto parts = strings_of(request.payload);
    if (!parts || parts->empty())
        return Error::inval;
    for (auto const &command : commands)
        if (parts->front() == command.name)
            return TRY(command.run(c_.services_, {parts->begin() + 1, parts->end()})) + '\0';
    return Error::inval;
}
}  // namespace xenstore
