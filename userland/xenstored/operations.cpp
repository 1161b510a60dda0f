// SPDX-License-Identifier: MIT
#include <userland/xenstored/operations.hpp>

namespace xenstore {
// The node itself or the first of its ancestors that exists. The root always does.
Result<ContentRef> Operations::nearest(std::string_view path, std::string_view &found)
{
    for (found = path;; found = parent_of(found))
        if (auto content = TRY(nodes_.find(found)))
            return content;
}

// Nobody learns whether a node exists who may not read where it would be.
Error Operations::why_absent(std::string_view path)
{
    std::string_view found;
    auto content = nearest(path, found);
    if (!content.ok())
        return content.error();
    return content.value()->permissions.allow(who_, Access::read) ? Error::noent : Error::acces;
}

Result<ContentRef> Operations::find_for(std::string_view path, Access access)
{
    auto content = TRY(nodes_.find(path));
    if (!content)
        return why_absent(path);
    if (!content->permissions.allow(who_, access))
        return Error::acces;
    return content;
}

Result<std::string> Operations::read(std::string_view path) { return TRY(find_for(path, Access::read))->value; }

Result<Permissions> Operations::permissions(std::string_view path)
{
    return TRY(find_for(path, Access::read))->permissions;
}

Result<Transaction::Listing> Operations::directory(std::string_view path)
{
    TRY(find_for(path, Access::read));
    return nodes_.list(path);
}

// A new node has its parent's permissions, and belongs to whom made it; what the control domain makes belongs to the parent's owner.
Result<> Operations::create(std::string_view path, std::string_view value)
{
    std::string_view found;
    auto ancestor = TRY(nearest(path, found));
    if (!ancestor->permissions.allow(who_, Access::write))
        return Error::acces;
    auto permissions = who_.privileged() ? ancestor->permissions : ancestor->permissions.with_owner(who_.domain);
    while (found != path) {
        auto end = path.find('/', found == "/" ? 1 : found.size() + 1);
        found = path.substr(0, end);
        bool last = found == path;
        TRY(nodes_.put(found, make_content(std::string{last ? value : std::string_view{}}, permissions),
                       last ? Change::Kind::asked_for : Change::Kind::made_on_the_way));
    }
    return {};
}

Result<> Operations::write(std::string_view path, std::string_view value)
{
    if (!who_.privileged() && value.size() > limits_.node_size)
        return Error::nospc;
    auto content = TRY(nodes_.find(path));
    if (!content)
        return create(path, value);
    if (!content->permissions.allow(who_, Access::write))
        return Error::acces;
    return nodes_.put(path, make_content(std::string{value}, content->permissions), Change::Kind::asked_for);
}

Result<> Operations::make_directory(std::string_view path)
{
    auto content = TRY(nodes_.find(path));
    if (!content)
        return create(path, {});
    return content->permissions.allow(who_, Access::write) ? Result<>{} : Error::acces;
}

Result<> Operations::remove(std::string_view path)
{
    if (path == "/")
        return Error::inval;
    auto content = TRY(nodes_.find(path));
    if (!content) {
        auto parent = TRY(nodes_.find(parent_of(path)));
        if (!parent || !parent->permissions.allow(who_, Access::read))
            return why_absent(path);
        return {};
    }
    if (!content->permissions.allow(who_, Access::write))
        return Error::acces;
    std::vector<std::string> doomed{std::string{path}};
    for (std::size_t i = 0; i < doomed.size(); ++i)
        for (auto const &name : TRY(nodes_.list(doomed[i])).names)
            doomed.push_back(doomed[i] + "/" + name);
    for (auto node = doomed.rbegin(); node != doomed.rend(); ++node)
        TRY(nodes_.remove(*node, *node == path ? Change::Kind::asked_for : Change::Kind::removed_with));
    return {};
}

Result<> Operations::set_permissions(std::string_view path, Permissions permissions)
{
    if (!who_.privileged() && permissions.size() > limits_.node_permissions)
        return Error::nospc;
    auto content = TRY(nodes_.find(path));
    if (!content)
        return why_absent(path);
    if (!content->permissions.owned_by(who_))
        return Error::acces;
    if (permissions.owner() != content->permissions.owner() && !who_.privileged())
        return Error::perm;
    return nodes_.put(path, make_content(content->value, std::move(permissions)), Change::Kind::asked_for);
}
}  // namespace xenstore
