// SPDX-License-Identifier: MIT
#include <kernel/memory/page_tree.hpp>
#include <lib/panic.hpp>
#include <new>

namespace kernel {
// A slot holds a child node, or at height 1 a frame number plus one; 0: empty. 292 bytes: 64 slots, their count, their tags.
struct PageTree::Node {
    std::uint32_t used = 0;
    std::uint32_t tagged[tags][ways / 32] = {};
    std::uintptr_t slot[ways] = {};
    Node *child(unsigned i) const { return reinterpret_cast<Node *>(slot[i]); }
    bool has(unsigned i, unsigned tag) const { return (tagged[tag][i / 32] >> i % 32 & 1) != 0; }
    void set(unsigned i, unsigned tag) { tagged[tag][i / 32] |= 1u << i % 32; }
    void clear(unsigned i, unsigned tag) { tagged[tag][i / 32] &= ~(1u << i % 32); }
    std::uint64_t from(unsigned i, unsigned tag) const
    {
        return (std::uint64_t{tagged[tag][1]} << 32 | tagged[tag][0]) >> i;
    }
    bool any(unsigned tag) const { return (tagged[tag][0] | tagged[tag][1]) != 0; }
};

namespace {
constexpr unsigned shift_of(unsigned height) { return 6 * (height - 1); }
constexpr unsigned slot_of(std::uint32_t index, unsigned height) { return index >> shift_of(height) & 63; }
constexpr Pfn frame_in(std::uintptr_t value) { return value ? Pfn{static_cast<std::uint32_t>(value - 1)} : no_pfn; }
}  // namespace

bool PageTree::covers(unsigned height, std::uint32_t index)
{
    return height * bits >= 32 || index >> (height * bits) == 0;
}

PageTree::~PageTree()
{
    if (root_)
        free_node(root_, height_);
}

void PageTree::free_node(Node *node, unsigned height)
{
    for (unsigned i = 0; height > 1 && i < ways; ++i)
        if (node->slot[i])
            free_node(node->child(i), height - 1);
    delete node;
}

PageTree::Node const *PageTree::leaf_of(std::uint32_t index) const
{
    if (!root_ || !covers(height_, index))
        return nullptr;
    auto node = root_;
    for (unsigned h = height_; node && h > 1; --h)
        node = node->child(slot_of(index, h));
    return node;
}

Pfn PageTree::find(std::uint32_t index) const
{
    auto leaf = leaf_of(index);
    return leaf ? frame_in(leaf->slot[slot_of(index, 1)]) : no_pfn;
}

void PageTree::find_run(std::uint32_t index, unsigned n, Pfn *out) const
{
    while (n) {
        auto leaf = leaf_of(index);
        for (unsigned i = slot_of(index, 1); n && i < ways; ++i, ++index, --n)
            *out++ = leaf ? frame_in(leaf->slot[i]) : no_pfn;
    }
}

void PageTree::find_run(std::uint32_t index, unsigned n, Tag tag, Pfn *out) const
{
    while (n) {
        auto leaf = leaf_of(index);
        auto i = slot_of(index, 1);
        auto const at_most = i + n < ways ? i + n : ways;
        n -= at_most - i;
        index += at_most - i;
        for (auto marks = leaf ? leaf->from(i, tag) : 0; i < at_most; ++i, marks >>= 1)
            *out++ = marks & 1 ? frame_in(leaf->slot[i]) : no_pfn;
    }
}

Result<> PageTree::insert(std::uint32_t index, Pfn frame)
{
    while (!root_ || !covers(height_, index)) {
        auto above = new (std::nothrow) Node;
        if (!above)
            return Error::nomem;
        if (root_) {
            above->slot[0] = reinterpret_cast<std::uintptr_t>(root_);
            above->used = 1;
            for (unsigned tag = 0; tag < tags; ++tag)
                if (root_->any(tag))
                    above->set(0, tag);
        }
        root_ = above;
        ++height_;
    }
    auto node = root_;
    for (unsigned h = height_; h > 1; --h) {
        auto &slot = node->slot[slot_of(index, h)];
        if (!slot) {
            auto below = new (std::nothrow) Node;
            if (!below)
                return Error::nomem;  // an empty branch may stay: the next insertion uses it
            slot = reinterpret_cast<std::uintptr_t>(below);
            ++node->used;
        }
        node = reinterpret_cast<Node *>(slot);
    }
    auto &slot = node->slot[slot_of(index, 1)];
    ASSERT(slot == 0);
    slot = frame.raw() + 1;
    ++node->used;
    return {};
}

Pfn PageTree::erase_below(Node *node, unsigned height, std::uint32_t index)
{
    auto &slot = node->slot[slot_of(index, height)];
    if (!slot)
        return no_pfn;
    if (height == 1) {
        Pfn frame{static_cast<std::uint32_t>(slot - 1)};
        slot = 0;
        --node->used;
        for (unsigned tag = 0; tag < tags; ++tag)
            node->clear(slot_of(index, 1), tag);
        return frame;
    }
    auto below = reinterpret_cast<Node *>(slot);
    auto frame = erase_below(below, height - 1, index);
    for (unsigned tag = 0; tag < tags; ++tag)
        if (!below->any(tag))
            node->clear(slot_of(index, height), tag);
    if (below->used == 0) {
        delete below;
        slot = 0;
        --node->used;
    }
    return frame;
}

Pfn PageTree::erase(std::uint32_t index)
{
    if (!root_ || !covers(height_, index))
        return no_pfn;
    auto frame = erase_below(root_, height_, index);
    if (root_->used == 0) {
        delete root_;
        root_ = nullptr;
        height_ = 0;
    }
    return frame;
}

// wanted(node, i): the slot may be gone down into, or at height 1 taken.
template <class Wanted>
Pfn PageTree::next_below(Node const *node, unsigned height, std::uint32_t &index, Wanted wanted)
{
    auto const step = std::uint32_t{1} << shift_of(height);
    for (unsigned i = slot_of(index, height); i < ways; ++i) {
        auto const following = (index & ~(step - 1)) + step;  // the first number of the next slot
        if (wanted(*node, i)) {
            if (height == 1)
                return Pfn{static_cast<std::uint32_t>(node->slot[i] - 1)};
            auto found = next_below(node->child(i), height - 1, index, wanted);
            if (found != no_pfn)
                return found;
        }
        index = following;
        if (index == 0)
            return no_pfn;  // wrapped: that was the very last
    }
    return no_pfn;
}

Pfn PageTree::next(std::uint32_t &index) const
{
    if (!root_ || !covers(height_, index))
        return no_pfn;
    return next_below(root_, height_, index, [](Node const &n, unsigned i) { return n.slot[i] != 0; });
}

Pfn PageTree::next_tagged(std::uint32_t &index, Tag tag) const
{
    if (!root_ || !covers(height_, index))
        return no_pfn;
    return next_below(root_, height_, index, [tag](Node const &n, unsigned i) { return n.has(i, tag); });
}

void PageTree::set_tag(std::uint32_t index, Tag tag)
{
    auto node = root_;
    for (unsigned h = height_; h > 1; --h) {
        node->set(slot_of(index, h), tag);
        node = node->child(slot_of(index, h));
    }
    ASSERT(node && node->slot[slot_of(index, 1)] != 0);
    node->set(slot_of(index, 1), tag);
}

bool PageTree::any_tagged(Tag tag) const { return root_ && root_->any(tag); }

// True: nothing below has the tag any more.
bool PageTree::clear_below(Node *node, unsigned height, std::uint32_t index, Tag tag)
{
    auto const i = slot_of(index, height);
    if (height == 1 || (node->slot[i] && clear_below(node->child(i), height - 1, index, tag)))
        node->clear(i, tag);
    return !node->any(tag);
}

void PageTree::clear_tag(std::uint32_t index, Tag tag)
{
    if (root_ && covers(height_, index))
        (void)clear_below(root_, height_, index, tag);
}
}  // namespace kernel
