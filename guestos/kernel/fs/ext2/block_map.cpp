// SPDX-License-Identifier: MIT
#include <algorithm>
#include <kernel/fs/ext2/block_map.hpp>

namespace kernel::ext2 {
namespace {
// The way to a block: which pointer of the inode, then which one in each block of pointers below.
struct Way {
    unsigned depth = 0;  // blocks of pointers between inode and data: 0..3
    std::uint32_t index[4] = {};
    std::uint32_t left_in_last = 1;  // blocks from here to the end of the last block of pointers
};

Result<Way> way_to(Geometry const &g, std::uint32_t at)
{
    Way w;
    auto const p = std::uint64_t{g.pointers_per_block};
    if (at < direct_blocks) {
        w.index[0] = at;
        w.left_in_last = direct_blocks - at;
        return w;
    }
    std::uint64_t n = at - direct_blocks, covered = p;
    for (w.depth = 1; n >= covered; covered *= p, ++w.depth) {
        if (w.depth == 3)
            return Error::fbig;
        n -= covered;
    }
    w.index[0] = direct_blocks + w.depth - 1;
    for (unsigned level = w.depth; level > 0; --level) {
        w.index[level] = static_cast<std::uint32_t>(n % p);
        n /= p;
    }
    w.left_in_last = g.pointers_per_block - w.index[w.depth];
    return w;
}

Result<> check(Super &fs, std::uint32_t block)
{
    return fs.is_data_block(block) ? Result<>{}
                                   : Result<>{fs.damaged("a file points to a block outside the data", block)};
}

// Pointers in the inode or in a block of them: where one is changed decides what has to be written.
struct Pointers {
    Node &node;
    Ref<Buffer> buffer;  // null: the inode's own
    std::uint32_t get(std::uint32_t i) const { return buffer ? buffer->at<std::uint32_t>()[i] : node.block[i]; }
    void set(std::uint32_t i, std::uint32_t block)
    {
        if (buffer) {
            buffer->at<std::uint32_t>()[i] = block;
            node.fs().buffers.mark(*buffer, Stage::mapping);
            node.size_changed = true;
            node.fs().mark_dirty(node);
        } else {
            node.block[i] = block;
            node.size_changed = true;
            node.fs().mark_dirty(node);
        }
    }
};
}  // namespace

std::uint32_t blocks_limit(Geometry const &g)
{
    auto const p = std::uint64_t{g.pointers_per_block};
    auto const most = direct_blocks + p + p * p + p * p * p;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(most, 0xffff'fff0));
}

Result<Run> find_run(Node &node, std::uint32_t at, std::uint32_t most)
{
    if ((node.flags & uses_extents) != 0)
        return find_extent(node, at, most);
    auto &fs = node.fs();
    auto const way = TRY(way_to(fs.geometry, at));
    Pointers pointers{node, nullptr};
    for (unsigned level = 0; level < way.depth; ++level) {
        auto const below = pointers.get(way.index[level]);
        if (below == 0)  // nothing in the whole tree; one step is enough, the caller comes again
            return Run{0, std::min(most, way.left_in_last)};
        TRY(check(fs, below));
        pointers.buffer = TRY(fs.buffers.read(below));
    }
    auto const first = pointers.get(way.index[way.depth]);
    if (first != 0)
        TRY(check(fs, first));
    Run run{first, 1};
    auto const end = std::min(most, way.left_in_last);
    while (run.count < end) {
        auto const next = pointers.get(way.index[way.depth] + run.count);
        if (next != (first == 0 ? 0 : first + run.count) || (next != 0 && !fs.is_data_block(next)))
            break;
        ++run.count;
    }
    return run;
}

Result<std::uint32_t> block_for_write(Node &node, std::uint32_t at, bool &is_new)
{
    auto &fs = node.fs();
    auto const way = TRY(way_to(fs.geometry, at));
    Pointers pointers{node, nullptr};
    auto goal = [&](std::uint32_t i) {
        // Behind what lies before it in the file, else behind what was allocated last, else in the inode's group.
        if (i != 0 && (i <= direct_blocks || pointers.buffer) && pointers.get(i - 1) != 0)
            return pointers.get(i - 1) + 1;
        if (node.last_block != 0)
            return node.last_block + 1;
        auto const group = (node.number() - 1) / fs.geometry.inodes_per_group;
        return fs.geometry.first_data_block + group * fs.geometry.blocks_per_group;
    };
    for (unsigned level = 0; level < way.depth; ++level) {
        auto const i = way.index[level];
        auto below = pointers.get(i);
        if (below == 0) {
            below = TRY(fs.allocate_block(node, goal(i)));
            auto made = fs.buffers.fresh(below);
            if (!made.ok()) {
                node.sectors -= fs.geometry.sectors_per_block();
                fs.free_blocks(below, 1);
                return made.error();
            }
            pointers.set(i, below);
            pointers.buffer = made.take();
            continue;
        }
        TRY(check(fs, below));
        pointers.buffer = TRY(fs.buffers.read(below));
    }
    auto const i = way.index[way.depth];
    auto block = pointers.get(i);
    is_new = block == 0;
    if (!is_new) {
        TRY(check(fs, block));
        return block;
    }
    block = TRY(fs.allocate_block(node, goal(i)));
    pointers.set(i, block);
    return block;
}

namespace {
// Gives up a part of the tree.
struct Freeing {
    Node &node;
    std::uint64_t from, to;  // blocks of the file
    Result<> result{};

    void release(std::uint32_t block)
    {
        auto &fs = node.fs();
        if (!check(fs, block).ok()) {
            result = Error::io;
            return;
        }
        fs.buffers.forget(block);
        fs.free_blocks(block, 1);
        auto const sectors = fs.geometry.sectors_per_block();
        node.sectors = node.sectors > sectors ? node.sectors - sectors : 0;
    }

    // One pointer, which covers blocks [start, start + span) by `depth` levels. True: it can go.
    bool below(std::uint32_t block, unsigned depth, std::uint64_t start, std::uint64_t span)
    {
        if (block == 0 || start >= to || start + span <= from)
            return false;
        if (depth == 0) {
            release(block);
            return true;
        }
        auto &fs = node.fs();
        if (auto good = check(fs, block); !good.ok()) {
            result = good;
            return false;
        }
        auto buffer = fs.buffers.read(block);
        if (!buffer.ok()) {
            result = buffer.error();
            return false;
        }
        if (!entries(*buffer.value(), depth, start, span / fs.geometry.pointers_per_block))
            return false;
        buffer = Error::io;  // its last user must not be us
        release(block);
        return true;
    }

    // The pointers in a block; true: none is left.
    bool entries(Buffer &buffer, unsigned depth, std::uint64_t start, std::uint64_t span)
    {
        auto &fs = node.fs();
        auto *pointer = buffer.at<std::uint32_t>();
        bool const whole = from <= start && start + span * fs.geometry.pointers_per_block <= to;
        bool left = false;
        for (std::uint32_t i = 0; i < fs.geometry.pointers_per_block; ++i) {
            if (pointer[i] == 0)
                continue;
            if (!below(pointer[i], depth - 1, start + i * span, span)) {
                left = true;
            } else if (!whole) {
                pointer[i] = 0;
                fs.buffers.mark(buffer, Stage::mapping);
            }
        }
        return !left && result.ok();
    }
};
}  // namespace

Result<> free_range(Node &node, std::uint32_t from, std::uint32_t to)
{
    auto const p = std::uint64_t{node.fs().geometry.pointers_per_block};
    Freeing freeing{node, from, to, {}};
    std::uint64_t start = 0, span = 1;
    for (unsigned i = 0; i < block_pointers; ++i) {
        if (i >= direct_blocks)
            span *= p;
        if (freeing.below(node.block[i], i < direct_blocks ? 0 : i - direct_blocks + 1, start, span))
            node.block[i] = 0;
        start += span;
    }
    node.size_changed = true;
    node.last_block = 0;
    node.fs().mark_dirty(node);
    return freeing.result;
}

Result<std::uint32_t> next_block(Node &node, std::uint32_t at, bool hole, std::uint32_t end)
{
    while (at < end) {
        auto run = TRY(find_run(node, at, end - at));
        if ((run.block == 0) == hole)
            return at;
        at += run.count;
    }
    return end;
}
}  // namespace kernel::ext2
