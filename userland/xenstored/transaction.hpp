// SPDX-License-Identifier: MIT
// The nodes as the requests of one transaction see them, and what these change, kept apart until the commit. (A request outside of a
// transaction is a transaction of its own: what fails half-way has changed nothing.)
//
//     tree   /a: content 5, listing 9       a read of /a:  remembers "content 5", keeps that content
//                                           a list of /a:  remembers "listing 9", keeps the names
//     commit: is /a still content 5, listing 9? Then all changes go into the tree at once; if not: again, from the start
//
// So a commit succeeds only if every request of the transaction would have got the same answer at the moment of the commit.
#pragma once
#include <optional>
#include <userland/xenstored/change.hpp>

namespace xenstore {
class Transaction {
public:
    enum class Extent { one_request, several_requests };
    // What a transaction of several requests holds is charged to its domain until it ends.
    Transaction(Tree &tree, Accounts &accounts, Identity who, Extent);
    ~Transaction();
    Transaction(Transaction const &) = delete;
    Transaction &operator=(Transaction const &) = delete;

    // All of these: Error::nospc: the transaction would hold more than it may.
    // Null: there is no such node.
    Result<ContentRef> find(std::string_view path);
    // The names of an existing node's children, and which change made them so.
    struct Listing {
        std::vector<std::string> names;
        std::uint64_t change;
    };
    Result<Listing> list(std::string_view path);
    // Creates the node, or gives it new content. Precondition: its parent exists. Error::nospc: also if its owner may not hold more.
    Result<> put(std::string_view path, ContentRef, Change::Kind);
    // Precondition: the node exists, has no children and is not the root.
    Result<> remove(std::string_view path, Change::Kind);

    // The changes, in the order in which they were first made. Error::again: `culprit` has changed what this transaction saw;
    // Error::nospc: somebody would own more than he may by now, or a put or a remove had failed. On an error nothing has changed. To be called once.
    Result<std::vector<Change>> commit(domid_t &culprit);

private:
    struct Entry {
        ContentRef before, now;
        std::uint64_t content_change = 0;  // of `before`; 0: there was no such node
        std::optional<Listing> listing;    // the tree's, when it was first asked for
        unsigned turn = 0;                 // place among the changes; 0: not changed
        Change::Kind kind = Change::Kind::asked_for;
    };
    using Entries = std::map<std::string, Entry, TreeOrder>;

    Result<Entry *> entry(std::string_view path);
    Result<> hold(std::int64_t bytes);
    Result<> try_put(std::string_view path, ContentRef, Change::Kind);
    Result<> try_remove(std::string_view path, Change::Kind);
    void change(Entry &, ContentRef, Change::Kind);
    Result<> check_quotas(std::map<domid_t, Charge> const &) const;
    bool unchanged(std::string const &path, Entry const &) const;
    domid_t last_writer_near(std::string_view path) const;
    Change::Kind kind_of(Entries::iterator) const;
    std::vector<Change> apply();

    Tree &tree_;
    Accounts &accounts_;
    Identity who_;
    Extent extent_;
    Entries entries_;
    std::map<domid_t, Charge> pending_;  // what the changes add to each owner's account
    std::int64_t held_ = 0;              // bytes charged for entries_
    unsigned turns_ = 0;
    bool failed_ = false;
};
}  // namespace xenstore
