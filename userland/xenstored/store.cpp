// SPDX-License-Identifier: MIT
#include <userland/xenstored/store.hpp>

namespace xenstore {
Store::Store(Limits limits)
    : tree_{make_content({}, Permissions{control_domain})}, accounts_{limits}, watches_{accounts_}
{
    accounts_.apply(control_domain, charge_of("/", tree_.find("/")->content));
}

Result<std::unique_ptr<Transaction>> Store::begin(Identity who)
{
    TRY(accounts_.check(who.domain, {.bytes = 1, .transactions = 1}));
    return std::make_unique<Transaction>(tree_, accounts_, who, Transaction::Extent::several_requests);
}

Result<> Store::commit(Transaction &t, domid_t &culprit)
{
    watches_.announce(tree_, TRY(t.commit(culprit)));
    return {};
}

Permissions *Store::readers_of(std::string_view special)
{
    if (special == introduce_domain)
        return &introduce_readers_;
    return special == release_domain ? &release_readers_ : nullptr;
}

void Store::announce_special(std::string_view special) { watches_.announce_special(special, *readers_of(special)); }

void Store::forget(domid_t domain)
{
    std::vector<std::string> owned;
    std::vector<std::pair<std::string, Permissions>> naming;
    tree_.walk("/", [&](std::string const &path, Node const &node) {
        if (!owned.empty() && is_below(path, owned.back()))
            return;
        auto const &permissions = node.content->permissions;
        if (permissions.owner() == domain && path != "/")
            owned.push_back(path);
        else if (permissions.names(domain))
            naming.emplace_back(path, permissions.without(domain));
    });
    // The control domain's requests fail for no reason that could stand here.
    Identity const us{control_domain};
    for (auto &named : naming)
        (void)at_once(us, [&](Operations &o) { return o.set_permissions(named.first, std::move(named.second)); }).ok();
    for (auto const &path : owned)
        (void)at_once(us, [&](Operations &o) { return o.remove(path); }).ok();
    for (auto readers : {&introduce_readers_, &release_readers_})
        *readers = readers->owner() == domain ? Permissions{control_domain} : readers->without(domain);
}

std::string Store::check() const
{
    std::size_t nodes = 0;
    std::map<domid_t, Charge> counted;
    tree_.walk("/", [&](std::string const &path, Node const &node) {
        ++nodes;
        counted[node.content->permissions.owner()] += charge_of(path, node.content);
    });
    if (nodes != tree_.size())
        return "the tree has " + std::to_string(nodes) + " nodes, not " + std::to_string(tree_.size());
    std::int64_t watches = 0;
    for (auto const &[domain, held] : accounts_.all()) {
        watches += held.watches;
        if (counted[domain].nodes != held.nodes || counted[domain].bytes > held.bytes)
            return "domain " + std::to_string(domain) + " is charged for " + std::to_string(held.nodes)
                + " nodes, and owns " + std::to_string(counted[domain].nodes);
    }
    for (auto const &[domain, charge] : counted)
        if (charge.nodes != accounts_.held(domain).nodes)
            return "domain " + std::to_string(domain) + " is not charged for its nodes";
    if (static_cast<std::size_t>(watches) != watches_.size())
        return "there are " + std::to_string(watches_.size()) + " watches, and " + std::to_string(watches)
            + " are charged";
    return {};
}
}  // namespace xenstore
