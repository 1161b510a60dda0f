// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cassert>
#include <userland/xenstored/permissions.hpp>
#include <userland/xenstored/quota.hpp>

namespace xenstore {
namespace {
constexpr Limits::Named names[] = {
    {"nodes", "Nodes that a domain may own", &Limits::nodes},
    {"memory", "Bytes that a domain may hold: nodes, watches, transactions", &Limits::memory},
    {"node-size", "Bytes of one value", &Limits::node_size},
    {"node-permissions", "Permissions of one node", &Limits::node_permissions},
    {"watches", "Watches that a domain may have", &Limits::watches},
    {"transactions", "Transactions that a domain may have open", &Limits::transactions},
    {"transaction-nodes", "Nodes that one transaction may touch", &Limits::transaction_nodes},
    {"events", "Watch events that may wait for one connection", &Limits::events},
};

bool exceeds(std::int64_t held, std::int64_t more, std::uint32_t limit) { return more > 0 && held + more > limit; }
}  // namespace

Limits::Named const *Limits::begin() { return std::begin(names); }
Limits::Named const *Limits::end() { return std::end(names); }
Limits::Named const *Limits::find(std::string_view name)
{
    auto found = std::find_if(begin(), end(), [&](Named const &n) { return name == n.name; });
    return found == end() ? nullptr : found;
}

Charge &Charge::operator+=(Charge const &c)
{
    nodes += c.nodes;
    bytes += c.bytes;
    watches += c.watches;
    transactions += c.transactions;
    return *this;
}

Result<> Accounts::check(domid_t domain, Charge const &more) const
{
    if (domain == control_domain)
        return {};
    auto now = held(domain);
    if (exceeds(now.nodes, more.nodes, limits_.nodes) || exceeds(now.bytes, more.bytes, limits_.memory)
        || exceeds(now.watches, more.watches, limits_.watches)
        || exceeds(now.transactions, more.transactions, limits_.transactions))
        return Error::nospc;
    return {};
}

void Accounts::apply(domid_t domain, Charge const &more)
{
    auto at = held_.try_emplace(domain).first;
    at->second += more;
    auto const &now = at->second;
    assert(now.nodes >= 0 && now.bytes >= 0 && now.watches >= 0 && now.transactions >= 0);
    if (now.nothing())
        held_.erase(at);
}

Charge Accounts::held(domid_t domain) const
{
    auto at = held_.find(domain);
    return at == held_.end() ? Charge{} : at->second;
}
}  // namespace xenstore
