// SPDX-License-Identifier: MIT
// ext4's extents: a tree in whose leaves each entry says "so many blocks of the file from here on lie there". For reading.
#include <algorithm>
#include <kernel/fs/ext2/block_map.hpp>

namespace kernel::ext2 {
namespace {
constexpr unsigned depth_max = 5;

// The entries of a node of the tree, as far as `bytes` of memory can hold them.
Result<DiskExtentHeader const *> checked(Super &fs, void const *node, std::uint32_t bytes, unsigned depth)
{
    auto const *h = static_cast<DiskExtentHeader const *>(node);
    if (h->magic != extent_magic || h->depth != depth || h->entries > h->max
        || h->max > (bytes - sizeof *h) / sizeof(DiskExtent))
        return fs.damaged("a node of an extent tree is none, of depth", depth);
    return h;
}

// The last entry that begins at or before `at`, or null.
template <class Entry>
Entry const *entry_for(DiskExtentHeader const *h, std::uint32_t at)
{
    auto const *first = reinterpret_cast<Entry const *>(h + 1), *end = first + h->entries;
    auto const *after = std::upper_bound(first, end, at, [](std::uint32_t a, Entry const &e) { return a < e.first; });
    return after == first ? nullptr : after - 1;
}

Result<Run> in_leaf(Super &fs, DiskExtentHeader const *h, std::uint32_t at, std::uint32_t most)
{
    auto const *first = reinterpret_cast<DiskExtent const *>(h + 1), *end = first + h->entries;
    auto const *e = entry_for<DiskExtent>(h, at);
    auto const *next = e ? e + 1 : first;
    auto const hole_ends = next < end ? next->first : ~0u;
    if (e) {
        bool const unwritten = e->count > extent_unwritten;
        auto const count = unwritten ? e->count - extent_unwritten : unsigned{e->count};
        if (at - e->first < count) {
            auto const run = std::min(most, count - (at - e->first));
            if (unwritten)
                return Run{0, run};
            auto const start = e->start + (at - e->first);
            if (e->start_high != 0 || !fs.is_data_block(start) || !fs.is_data_block(start + run - 1))
                return fs.damaged("an extent points to a block outside the data", start);
            return Run{start, run};
        }
    }
    return Run{0, hole_ends > at ? std::min(most, hole_ends - at) : 1};
}
}  // namespace

Result<Run> find_extent(Node &node, std::uint32_t at, std::uint32_t most)
{
    auto &fs = node.fs();
    auto const *root = reinterpret_cast<DiskExtentHeader const *>(node.block);
    unsigned depth = root->depth;
    if (depth > depth_max)
        return fs.damaged("an extent tree is too high, of inode", node.number());
    auto const *h = TRY(checked(fs, node.block, sizeof node.block, depth));
    Ref<Buffer> buffer;
    for (; depth != 0; --depth) {
        auto const *e = entry_for<DiskExtentIndex>(h, at);
        if (!e)
            return Run{0, 1};
        if (e->leaf_high != 0 || !fs.is_data_block(e->leaf))
            return fs.damaged("an extent tree points to a block outside the data", e->leaf);
        buffer = TRY(fs.buffers.read(e->leaf));
        h = TRY(checked(fs, buffer->at(), fs.geometry.block_bytes, depth - 1));
    }
    return in_leaf(fs, h, at, most);
}
}  // namespace kernel::ext2
