// SPDX-License-Identifier: MIT
// The nodes. Each has a value and permissions (its content) and named children (its listing); each of the two has the number of the
// change that made it what it is, so that a transaction can tell whether what it saw is still so.
//
//     /                content 1, listing 7
//     +-- local        content 2, listing 3
//     |   +-- domain   content 3, listing 0     0: never had a child
//     +-- vm           content 7, ...
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <userland/xenstored/path.hpp>
#include <userland/xenstored/permissions.hpp>
#include <userland/xenstored/quota.hpp>
#include <vector>

namespace xenstore {
struct Content {
    std::string value;
    Permissions permissions;
};
// Never changed once it is made: whoever looked at a node may go on looking at what it was. Null: no such node.
using ContentRef = std::shared_ptr<Content const>;
inline ContentRef make_content(std::string value, Permissions permissions)
{
    return std::make_shared<Content const>(Content{std::move(value), std::move(permissions)});
}

// What the owner of a node is charged for it; nothing for a node that is not there.
Charge charge_of(std::string_view path, ContentRef const &);

struct Node {
    ContentRef content;
    std::uint64_t content_change = 0, listing_change = 0;
    domid_t last_writer = control_domain;  // who made content_change or listing_change, whichever is later
    std::map<std::string, std::unique_ptr<Node>, std::less<>> children;
};

class Tree {
public:
    explicit Tree(ContentRef root);
    Node const *find(std::string_view path) const;  // null: absent
    // Creates the node, or gives it new content. Precondition: its parent exists.
    void put(std::string_view path, ContentRef, domid_t writer);
    // Precondition: the node exists, has no children and is not the root.
    void remove(std::string_view path, domid_t writer);

    // Calls visit(path, node) for `top` and all below it, each before what is below it.
    template <class Visit>
    void walk(std::string const &top, Visit &&visit) const;
    std::size_t size() const { return size_; }

private:
    Node *lookup(std::string_view path);
    Node root_;
    std::uint64_t last_change_ = 0;
    std::size_t size_ = 1;
};

template <class Visit>
void Tree::walk(std::string const &top, Visit &&visit) const
{
    std::vector<std::pair<std::string, Node const *>> waiting;
    if (auto node = find(top))
        waiting.emplace_back(top, node);
    while (!waiting.empty()) {
        auto [path, node] = std::move(waiting.back());
        waiting.pop_back();
        visit(path, *node);
        for (auto child = node->children.rbegin(); child != node->children.rend(); ++child)
            waiting.emplace_back((path == "/" ? path : path + "/") + child->first, child->second.get());
    }
}
}  // namespace xenstore
