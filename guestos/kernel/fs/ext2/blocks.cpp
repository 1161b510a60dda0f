// SPDX-License-Identifier: MIT
// Which blocks are free. What a batch frees stays marked until the batch is on the disk: so no block ever belongs to two files there,
// and the bitmaps on the disk never call a block free that something refers to.
#include <algorithm>
#include <bit>
#include <kernel/fs/ext2/super.hpp>
#include <linux/capability.h>

namespace kernel::ext2 {
struct PendingFree::Chunk {
    static constexpr unsigned most = 126;
    Chunk *below = nullptr;
    unsigned used = 0;
    struct Range {
        std::uint32_t first, count;
    } range[most];
};

PendingFree::~PendingFree()
{
    std::uint32_t first, count;
    while (take(first, count)) {}
}

void PendingFree::add(std::uint32_t first, std::uint32_t count)
{
    if (top_ && top_->used != 0) {
        auto &last = top_->range[top_->used - 1];
        if (last.first + last.count == first || first + count == last.first) {
            last.first = std::min(last.first, first);
            last.count += count;
            total_ += count;
            return;
        }
    }
    if (!top_ || top_->used == Chunk::most) {
        auto *above = new (std::nothrow) Chunk;
        if (!above)
            return;
        above->below = std::exchange(top_, above);
    }
    top_->range[top_->used++] = {first, count};
    total_ += count;
}

bool PendingFree::take(std::uint32_t &first, std::uint32_t &count)
{
    if (!top_)
        return false;
    auto &r = top_->range[--top_->used];
    first = r.first;
    count = r.count;
    total_ -= count;
    if (top_->used == 0)
        delete std::exchange(top_, top_->below);
    return true;
}

namespace {
constexpr std::uint32_t none = ~0u;

bool bit(Buffer const &b, std::uint32_t i) { return (b.at<std::uint8_t>()[i / 8] >> i % 8 & 1) != 0; }
void set_bit(Buffer &b, std::uint32_t i) { b.at<std::uint8_t>()[i / 8] |= static_cast<std::uint8_t>(1u << i % 8); }
void clear_bit(Buffer &b, std::uint32_t i) { b.at<std::uint8_t>()[i / 8] &= static_cast<std::uint8_t>(~(1u << i % 8)); }

std::uint32_t first_clear(Buffer const &b, std::uint32_t from, std::uint32_t end)
{
    auto const *words = b.at<std::uint32_t>();
    for (auto i = from; i < end;) {
        auto const word = words[i / 32] | ((1u << i % 32) - 1);
        if (word != ~0u) {
            auto found = (i & ~31u) + static_cast<std::uint32_t>(std::countr_one(word));
            return found < end ? found : none;
        }
        i = (i & ~31u) + 32;
    }
    return none;
}
}  // namespace

bool Geometry::has_super_copy(std::uint32_t g) const
{
    if (g <= 1 || (read_only_compatible & sparse_super) == 0)
        return true;
    for (std::uint32_t base : {3u, 5u, 7u}) {
        auto n = g;
        while (n % base == 0)
            n /= base;
        if (n == 1)
            return true;
    }
    return false;
}

bool Super::is_data_block(std::uint32_t block) const
{
    auto const &g = geometry;
    if (block <= g.first_data_block || block >= g.blocks)
        return false;
    if ((g.incompatible & flex_bg) != 0)
        return true;
    auto const n = (block - g.first_data_block) / g.blocks_per_group;
    auto const start = g.first_data_block + n * g.blocks_per_group;
    auto const where = group(n);
    auto const table_blocks = (g.inodes_per_group + g.inodes_per_block - 1) / g.inodes_per_block;
    auto const descriptor_blocks = (g.groups + g.descriptors_per_block - 1) / g.descriptors_per_block;
    if (g.has_super_copy(n) && block - start <= descriptor_blocks)
        return false;
    return block != where.block_bitmap && block != where.inode_bitmap && block - where.inode_table >= table_blocks;
}

void Super::count_free_blocks(std::uint32_t n, int change)
{
    auto &entry = group_entry(n);
    entry.free_blocks = static_cast<std::uint16_t>(entry.free_blocks + change);
    free_blocks_ += static_cast<std::uint32_t>(change);
    super().free_blocks = free_blocks_;
    buffers.mark(*descriptors_[n / geometry.descriptors_per_block], Stage::early);
    buffers.mark(*super_buffer_, Stage::early);
}

bool Super::may_use_reserve() const
{
    auto const &t = current();
    return !t.process || t.credentials.has_cap(CAP_SYS_RESOURCE) || t.credentials.fsuid == super().reserved_uid;
}

// The first free block of a group at or after `from` (a number in the group), or before it with `wrap`. Error::nospc.
Result<std::uint32_t> Super::take_block_in(std::uint32_t n, std::uint32_t from, bool wrap)
{
    if (group_entry(n).free_blocks == 0)
        return Error::nospc;
    auto bitmap = TRY(buffers.read(group(n).block_bitmap));
    auto const start = geometry.first_data_block + n * geometry.blocks_per_group;
    auto const end = std::min(geometry.blocks_per_group, geometry.blocks - start);
    auto found = first_clear(*bitmap, from, end);
    if (found == none && wrap)
        found = first_clear(*bitmap, 0, from);
    if (found == none)
        return Error::nospc;
    if (!is_data_block(start + found))
        return damaged("a bitmap calls a block free that holds metadata", start + found);
    set_bit(*bitmap, found);
    buffers.mark(*bitmap, Stage::early);
    count_free_blocks(n, -1);
    return start + found;
}

Result<std::uint32_t> Super::find_block(std::uint32_t goal)
{
    if (goal <= geometry.first_data_block || goal >= geometry.blocks)
        goal = geometry.first_data_block + 1;
    auto const at = goal - geometry.first_data_block;
    auto const first = at / geometry.blocks_per_group;
    for (std::uint32_t i = 0; i < geometry.groups; ++i) {
        auto const n = (first + i) % geometry.groups;
        auto found = take_block_in(n, i == 0 ? at % geometry.blocks_per_group : 0, i == 0);
        if (found.ok() || found.error() != Error::nospc)
            return found;
    }
    return Error::nospc;
}

Result<std::uint32_t> Super::allocate_block(Node &node, std::uint32_t goal)
{
    if (free_blocks_ <= reserved_blocks_ && !may_use_reserve())
        return Error::nospc;
    auto block = TRY(find_block(goal));
    node.sectors += geometry.sectors_per_block();
    node.last_block = block;
    node.data_first = node.size_changed = true;
    mark_dirty(node);
    return block;
}

void Super::free_blocks(std::uint32_t first, std::uint32_t count)
{
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!is_data_block(first + i)) {
            (void)damaged("something points to a block that is not for data", first + i);
            return;
        }
    }
    pending_blocks_.add(first, count);
    add_dirty();
}

Result<std::uint32_t> Super::allocate_inode(Node const *parent, bool directory)
{
    auto const parent_group = parent ? (parent->number() - 1) / geometry.inodes_per_group : 0;
    auto const first = directory ? group_for_directory(parent_group) : parent_group;
    for (std::uint32_t i = 0; i < geometry.groups; ++i) {
        auto const n = (first + i) % geometry.groups;
        auto &entry = group_entry(n);
        if (entry.free_inodes == 0)
            continue;
        auto bitmap = TRY(buffers.read(group(n).inode_bitmap));
        auto found = first_clear(*bitmap, n == 0 ? geometry.first_inode - 1 : 0, geometry.inodes_per_group);
        if (found == none)
            continue;
        set_bit(*bitmap, found);
        buffers.mark(*bitmap, Stage::early);
        --entry.free_inodes;
        entry.directories = static_cast<std::uint16_t>(entry.directories + directory);
        super().free_inodes = --free_inodes_;
        buffers.mark(*descriptors_[n / geometry.descriptors_per_block], Stage::early);
        buffers.mark(*super_buffer_, Stage::early);
        add_dirty();
        return n * geometry.inodes_per_group + found + 1;
    }
    return Error::nospc;
}

// Directories are spread: the next group with no fewer free inodes and blocks than the average one.
std::uint32_t Super::group_for_directory(std::uint32_t parent) const
{
    auto const inodes = free_inodes_ / geometry.groups, blocks = free_blocks_ / geometry.groups;
    for (std::uint32_t i = 0; i < geometry.groups; ++i) {
        auto const n = (parent + i) % geometry.groups;
        auto const &entry = group_entry(n);
        if (entry.free_inodes != 0 && entry.free_inodes >= inodes && entry.free_blocks >= blocks)
            return n;
    }
    return parent;
}

void Super::free_inode(std::uint32_t number, bool directory)
{
    (directory ? pending_directories_ : pending_inodes_).add(number, 1);
    add_dirty();
}

// The batch is on the disk: what it freed may be used again.
void Super::apply_pending_frees()
{
    std::uint32_t first = 0, count = 0;
    while (pending_blocks_.take(first, count)) {
        for (; count != 0; ++first, --count) {
            auto const n = (first - geometry.first_data_block) / geometry.blocks_per_group;
            auto const at = (first - geometry.first_data_block) % geometry.blocks_per_group;
            auto bitmap = buffers.read(group(n).block_bitmap);
            if (!bitmap.ok())
                continue;
            if (!bit(*bitmap.value(), at)) {
                (void)damaged("a block in use was marked free", first);
                continue;
            }
            clear_bit(*bitmap.value(), at);
            buffers.mark(*bitmap.value(), Stage::early);
            count_free_blocks(n, 1);
        }
    }
    for (bool directory : {false, true}) {
        while ((directory ? pending_directories_ : pending_inodes_).take(first, count)) {
            for (; count != 0; ++first, --count) {
                auto const n = (first - 1) / geometry.inodes_per_group, at = (first - 1) % geometry.inodes_per_group;
                auto bitmap = buffers.read(group(n).inode_bitmap);
                if (!bitmap.ok() || !bit(*bitmap.value(), at))
                    continue;
                clear_bit(*bitmap.value(), at);
                buffers.mark(*bitmap.value(), Stage::early);
                auto &entry = group_entry(n);
                ++entry.free_inodes;
                entry.directories = static_cast<std::uint16_t>(entry.directories - directory);
                super().free_inodes = ++free_inodes_;
                buffers.mark(*descriptors_[n / geometry.descriptors_per_block], Stage::early);
                buffers.mark(*super_buffer_, Stage::early);
            }
        }
    }
}
}  // namespace kernel::ext2
