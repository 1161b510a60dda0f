// SPDX-License-Identifier: MIT
#include <cassert>
#include <userland/xenstored/tree.hpp>

namespace xenstore {
namespace {
// What the daemon's own structures for a node take, about.
constexpr std::int64_t node_overhead = 160;
}  // namespace

Charge charge_of(std::string_view path, ContentRef const &content)
{
    if (!content)
        return {};
    auto bytes = leaf_of(path).size() + content->value.size() + content->permissions.size() * sizeof(Permission);
    return {.nodes = 1, .bytes = node_overhead + static_cast<std::int64_t>(bytes)};
}

Tree::Tree(ContentRef root)
{
    root_.content = std::move(root);
    root_.content_change = ++last_change_;
}

Node *Tree::lookup(std::string_view path)
{
    auto node = &root_;
    for (auto rest = path.substr(1); node && !rest.empty();) {
        auto slash = rest.find('/');
        auto child = node->children.find(rest.substr(0, slash));
        node = child == node->children.end() ? nullptr : child->second.get();
        rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
    }
    return node;
}

Node const *Tree::find(std::string_view path) const { return const_cast<Tree *>(this)->lookup(path); }

void Tree::put(std::string_view path, ContentRef content, domid_t writer)
{
    auto node = lookup(path);
    if (!node) {
        auto parent = lookup(parent_of(path));
        assert(parent);
        node = parent->children.emplace(leaf_of(path), std::make_unique<Node>()).first->second.get();
        parent->listing_change = ++last_change_;
        parent->last_writer = writer;
        ++size_;
    }
    node->content = std::move(content);
    node->content_change = ++last_change_;
    node->last_writer = writer;
}

void Tree::remove(std::string_view path, domid_t writer)
{
    auto parent = lookup(parent_of(path));
    assert(parent);
    auto node = parent->children.find(leaf_of(path));
    assert(node != parent->children.end() && node->second->children.empty());
    parent->children.erase(node);
    parent->listing_change = ++last_change_;
    parent->last_writer = writer;
    --size_;
}
}  // namespace xenstore
