// SPDX-License-Identifier: MIT
// The daemon's whole state but its connections: nodes, accounts, watches; and the ways in which they change together.
#pragma once
#include <memory>
#include <userland/xenstored/operations.hpp>
#include <userland/xenstored/watch.hpp>

namespace xenstore {
class Store {
public:
    explicit Store(Limits);

    Tree const &tree() const { return tree_; }
    Accounts &accounts() { return accounts_; }
    Watches &watches() { return watches_; }

    // Calls perform(Operations&) as a transaction of its own.
    template <class Perform>
    auto at_once(Identity who, Perform &&perform) -> decltype(perform(std::declval<Operations &>()));

    // A transaction of several requests. Error::nospc: the domain has too many.
    Result<std::unique_ptr<Transaction>> begin(Identity);
    template <class Perform>
    auto within(Transaction &t, Identity who, Perform &&perform)
    {
        Operations operations{t, who, accounts_.limits()};
        return perform(operations);
    }
    // Who watches hears of the changes. Errors: Transaction::commit.
    Result<> commit(Transaction &, domid_t &culprit);

    // Who may hear of a special event. Null: there is no such event.
    Permissions *readers_of(std::string_view special);
    void announce_special(std::string_view special);

    // After a domain's end: its nodes go, with all below them, and no permission names it any more, so that a later
    // domain of the same number finds nothing that it may not.
    void forget(domid_t);

    // Counts everything anew and compares; a sentence about the first difference, or "".
    std::string check() const;

private:
    Tree tree_;
    Accounts accounts_;
    Watches watches_;
    Permissions introduce_readers_{control_domain}, release_readers_{control_domain};
};

template <class Perform>
auto Store::at_once(Identity who, Perform &&perform) -> decltype(perform(std::declval<Operations &>()))
{
    Transaction t{tree_, accounts_, who, Transaction::Extent::one_request};
    auto result = within(t, who, perform);
    if (!result.ok())
        return result;
    domid_t culprit;
    TRY(commit(t, culprit));
    return result;
}
}  // namespace xenstore
