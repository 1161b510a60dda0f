// SPDX-License-Identifier: MIT
#include <algorithm>
#include <userland/xenstored/transaction.hpp>

namespace xenstore {
namespace {
constexpr std::int64_t transaction_overhead = 256, entry_overhead = 256, name_overhead = 48;

std::int64_t size_of(ContentRef const &content)
{
    if (!content)
        return 0;
    return static_cast<std::int64_t>(content->value.size() + content->permissions.size() * sizeof(Permission));
}
}  // namespace

Transaction::Transaction(Tree &tree, Accounts &accounts, Identity who, Extent extent)
    : tree_{tree}, accounts_{accounts}, who_{who}, extent_{extent}
{
    if (extent_ == Extent::several_requests) {
        held_ = transaction_overhead;
        accounts_.apply(who_.domain, {.bytes = held_, .transactions = 1});
    }
}

Transaction::~Transaction()
{
    if (extent_ == Extent::several_requests)
        accounts_.apply(who_.domain, {.bytes = -held_, .transactions = -1});
}

Result<> Transaction::hold(std::int64_t bytes)
{
    if (extent_ == Extent::one_request)
        return {};
    TRY(accounts_.check(who_.domain, {.bytes = bytes}));
    accounts_.apply(who_.domain, {.bytes = bytes});
    held_ += bytes;
    return {};
}

Result<Transaction::Entry *> Transaction::entry(std::string_view path)
{
    if (auto at = entries_.find(path); at != entries_.end())
        return &at->second;
    if (extent_ == Extent::several_requests && !who_.privileged()
        && entries_.size() >= accounts_.limits().transaction_nodes)
        return Error::nospc;
    Entry fresh;
    if (auto node = tree_.find(path)) {
        fresh.before = fresh.now = node->content;
        fresh.content_change = node->content_change;
    }
    TRY(hold(entry_overhead + static_cast<std::int64_t>(path.size()) + size_of(fresh.before)));
    return &entries_.emplace(path, std::move(fresh)).first->second;
}

Result<ContentRef> Transaction::find(std::string_view path) { return TRY(entry(path))->now; }

// The tree's names, and what this transaction knows of them: what it has made and removed, what it has found there or missed.
Result<Transaction::Listing> Transaction::list(std::string_view path)
{
    auto &parent = *TRY(entry(path));
    if (!parent.listing) {
        Listing seen{{}, 0};
        std::int64_t bytes = 0;
        if (auto node = tree_.find(path)) {
            seen.change = node->listing_change;
            for (auto const &[name, child] : node->children) {
                seen.names.push_back(name);
                bytes += name_overhead + static_cast<std::int64_t>(name.size());
            }
        }
        TRY(hold(bytes));
        parent.listing = std::move(seen);
    }
    Listing result = *parent.listing;
    for (auto at = entries_.upper_bound(path); at != entries_.end() && is_below(at->first, path); ++at) {
        if (parent_of(at->first) != path)
            continue;
        auto leaf = leaf_of(at->first);
        auto place = std::lower_bound(result.names.begin(), result.names.end(), leaf);
        bool named = place != result.names.end() && *place == leaf;
        if (at->second.now && !named)
            result.names.emplace(place, leaf);
        else if (!at->second.now && named)
            result.names.erase(place);
    }
    return result;
}

void Transaction::change(Entry &e, ContentRef content, Change::Kind kind)
{
    bool was_asked_for = e.turn && e.kind == Change::Kind::asked_for;
    if (!e.turn)
        e.turn = ++turns_;
    e.kind = content && was_asked_for ? e.kind : kind;
    e.now = std::move(content);
}

// A request that fails between two changes has made half of them: such a transaction must not be committed.
Result<> Transaction::put(std::string_view path, ContentRef content, Change::Kind kind)
{
    auto result = try_put(path, std::move(content), kind);
    failed_ = failed_ || !result.ok();
    return result;
}

Result<> Transaction::remove(std::string_view path, Change::Kind kind)
{
    auto result = try_remove(path, kind);
    failed_ = failed_ || !result.ok();
    return result;
}

Result<> Transaction::try_put(std::string_view path, ContentRef content, Change::Kind kind)
{
    auto &e = *TRY(entry(path));
    auto pending = pending_;
    if (e.now)
        pending[e.now->permissions.owner()] += -charge_of(path, e.now);
    auto &owner = pending[content->permissions.owner()];
    owner += charge_of(path, content);
    if (!who_.privileged())
        TRY(accounts_.check(content->permissions.owner(), owner));
    TRY(hold(size_of(content)));
    pending_ = std::move(pending);
    change(e, std::move(content), kind);
    return {};
}

Result<> Transaction::try_remove(std::string_view path, Change::Kind kind)
{
    auto &e = *TRY(entry(path));
    if (!e.now)
        return {};  // it was in a list that others have made untrue since: there is no commit any more
    pending_[e.now->permissions.owner()] += -charge_of(path, e.now);
    change(e, nullptr, kind);
    return {};
}

bool Transaction::unchanged(std::string const &path, Entry const &e) const
{
    auto node = tree_.find(path);
    if ((node ? node->content_change : 0) != e.content_change)
        return false;
    return !e.listing || (node ? node->listing_change : 0) == e.listing->change;
}

domid_t Transaction::last_writer_near(std::string_view path) const
{
    for (;; path = parent_of(path))
        if (auto node = tree_.find(path))
            return node->last_writer;
}

Result<> Transaction::check_quotas(std::map<domid_t, Charge> const &pending) const
{
    if (who_.privileged())
        return {};
    for (auto const &[owner, charge] : pending)
        TRY(accounts_.check(owner, charge));
    return {};
}

Result<std::vector<Change>> Transaction::commit(domid_t &culprit)
{
    if (failed_)
        return Error::nospc;
    for (auto const &[path, e] : entries_)
        if (!unchanged(path, e)) {
            culprit = last_writer_near(path);
            return Error::again;
        }
    TRY(check_quotas(pending_));
    return apply();
}

// A node that was made on the way to another is not told of by itself: unless the other has gone again.
Change::Kind Transaction::kind_of(Entries::iterator at) const
{
    if (at->second.kind != Change::Kind::made_on_the_way)
        return at->second.kind;
    for (auto below = std::next(at); below != entries_.end() && is_below(below->first, at->first); ++below)
        if (below->second.turn && below->second.now && below->second.kind == Change::Kind::asked_for)
            return Change::Kind::made_on_the_way;
    return Change::Kind::asked_for;
}

// Removals from the leaves up, then the rest from the root down.
std::vector<Change> Transaction::apply()
{
    for (auto at = entries_.rbegin(); at != entries_.rend(); ++at)
        if (at->second.turn && at->second.before && !at->second.now)
            tree_.remove(at->first, who_.domain);
    std::map<unsigned, Change> changes;  // by turn
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
        auto const &e = at->second;
        if (!e.turn || (!e.before && !e.now))
            continue;
        if (e.now)
            tree_.put(at->first, e.now, who_.domain);
        changes.emplace(e.turn, Change{at->first, e.before, e.now, kind_of(at)});
    }
    for (auto const &[owner, charge] : pending_)
        accounts_.apply(owner, charge);
    std::vector<Change> in_order;
    for (auto &[turn, change] : changes)
        in_order.push_back(std::move(change));
    return in_order;
}
}  // namespace xenstore
