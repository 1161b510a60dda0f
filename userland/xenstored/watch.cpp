// SPDX-License-Identifier: MIT
#include <algorithm>
#include <userland/xenstored/watch.hpp>

namespace xenstore {
namespace {
constexpr std::int64_t watch_overhead = 192;

bool readable(ContentRef const &content, Identity who)
{
    return content && content->permissions.allow(who, Access::read);
}
}  // namespace

Charge Watches::charge_of(Wanted const &w)
{
    return {.bytes = watch_overhead + static_cast<std::int64_t>(w.path.size() + w.token.size()), .watches = 1};
}

void Watches::tell(Watch const &watch, std::string_view path)
{
    auto const &w = watch.wanted;
    watch.watcher->on_event(std::string{path.substr(w.hidden)}, w.token, w.path.substr(w.hidden));
}

Result<> Watches::add(Watcher &watcher, Wanted wanted)
{
    if (auto at = by_path_.find(wanted.path); at != by_path_.end())
        for (auto const &other : at->second)
            if (other.watcher == &watcher && other.wanted.token == wanted.token)
                return Error::exist;
    auto domain = watcher.identity().domain;
    TRY(accounts_.check(domain, charge_of(wanted)));
    accounts_.apply(domain, charge_of(wanted));
    auto &here = by_path_[wanted.path];
    here.push_back({&watcher, std::move(wanted)});
    ++size_;
    tell(here.back(), here.back().wanted.path);
    return {};
}

Result<> Watches::remove(Watcher &watcher, std::string_view path, std::string_view token)
{
    auto at = by_path_.find(path);
    if (at == by_path_.end())
        return Error::noent;
    auto &here = at->second;
    auto found = std::find_if(here.begin(), here.end(),
                              [&](Watch const &w) { return w.watcher == &watcher && w.wanted.token == token; });
    if (found == here.end())
        return Error::noent;
    accounts_.apply(watcher.identity().domain, -charge_of(found->wanted));
    here.erase(found);
    --size_;
    if (here.empty())
        by_path_.erase(at);
    return {};
}

void Watches::remove_all(Watcher &watcher)
{
    for (auto at = by_path_.begin(); at != by_path_.end();) {
        auto &here = at->second;
        std::erase_if(here, [&](Watch const &w) {
            if (w.watcher != &watcher)
                return false;
            accounts_.apply(watcher.identity().domain, -charge_of(w.wanted));
            --size_;
            return true;
        });
        at = here.empty() ? by_path_.erase(at) : std::next(at);
    }
}

void Watches::announce_at(std::string_view watched, Change const &change, Permissions const *parent)
{
    auto at = by_path_.find(watched);
    if (at == by_path_.end())
        return;
    for (auto const &watch : at->second) {
        auto const &depth = watch.wanted.depth;
        if (depth && depth_below(change.path, watched) > *depth)
            continue;
        // The node that was made after it is below it, so they hear of that: unless it is too deep for them.
        if (change.kind == Change::Kind::made_on_the_way && !depth)
            continue;
        auto who = watch.watcher->identity();
        if (readable(change.after, who) || readable(change.before, who) || (parent && parent->allow(who, Access::read)))
            tell(watch, change.path);
    }
}

void Watches::announce(Tree const &tree, std::vector<Change> const &changes)
{
    if (by_path_.empty())
        return;
    for (auto const &change : changes) {
        auto parent = change.path == "/" ? nullptr : tree.find(parent_of(change.path));
        auto permissions = parent ? &parent->content->permissions : nullptr;
        announce_at(change.path, change, permissions);
        if (change.kind != Change::Kind::removed_with)
            for (auto up = parent_of(change.path); !up.empty(); up = parent_of(up))
                announce_at(up, change, permissions);
    }
}

void Watches::announce_special(std::string_view special, Permissions const &readers)
{
    auto at = by_path_.find(special);
    if (at == by_path_.end())
        return;
    for (auto const &watch : at->second)
        if (readers.allow(watch.watcher->identity(), Access::read))
            tell(watch, special);
}
}  // namespace xenstore
