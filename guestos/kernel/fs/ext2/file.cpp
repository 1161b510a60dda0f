// SPDX-License-Identifier: MIT
// Regular files: their bytes are in the page cache, their blocks are allocated when a page of them is first to be written.
#include <algorithm>
#include <cstring>
#include <kernel/fs/ext2/block_map.hpp>
#include <kernel/fs/ext2/kinds.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/memory/write_back.hpp>
#include <linux/falloc.h>

namespace kernel::ext2 {
namespace {
std::uint32_t block_of(Node const &n, std::uint64_t position)
{
    return static_cast<std::uint32_t>(position >> n.fs().geometry.block_shift);
}
std::uint32_t blocks_for(Node const &n, std::uint64_t bytes)
{
    return block_of(n, bytes + n.fs().geometry.block_bytes - 1);
}
}  // namespace

std::uint64_t FilePages::size() const { return file_.attributes.size; }
std::uint64_t FilePages::identity_device() const { return file_.super.device; }
std::uint64_t FilePages::identity_inode() const { return file_.node.number(); }
BlockDevice &FilePages::disk() const { return file_.node.fs().disk(); }

Result<DiskPages::Place> FilePages::locate(std::uint64_t offset, std::uint32_t bytes)
{
    auto &n = file_.node;
    auto const &g = n.fs().geometry;
    auto const inside = static_cast<std::uint32_t>(offset) & (g.block_bytes - 1);
    auto const first = block_of(n, offset), most = blocks_for(n, offset + bytes) - first;
    if (offset >= file_.size_limit())
        return Place{0, bytes, true};
    MutexGuard guard{n.map};
    auto run = TRY(find_run(n, first, most));
    auto const length = std::min<std::uint64_t>(bytes, (std::uint64_t{run.count} << g.block_shift) - inside);
    auto const sector = std::uint64_t{run.block} * g.sectors_per_block() + (inside >> sector_shift);
    return Place{sector, static_cast<std::uint32_t>(length), run.block == 0};
}

// Most writes go where blocks are: then this asks nobody. A mapping's store may cover the whole page, but not what lies behind
// the end.
Result<> FilePages::prepare(std::uint32_t index, std::uint32_t from, std::uint32_t to, bool mapped)
{
    auto &n = file_.node;
    auto const page = std::uint64_t{index} << page_shift;
    auto range_end = [&] { return mapped ? std::min(page + to, file_.attributes.size) : page + to; };
    if (page + from >= range_end())
        return mapped ? Result<>{} : Result<>{Error::inval};  // cut short meanwhile: the page goes
    {
        MutexGuard guard{n.map};
        auto at = block_of(n, page + from);
        auto const end = blocks_for(n, range_end());
        while (at < end) {
            auto run = TRY(find_run(n, at, end - at));
            if (run.block == 0)
                break;
            at += run.count;
        }
        if (at >= end)
            return n.fs().read_only ? Result<>{Error::rofs} : Result<>{};
    }
    return n.fs().operation([&]() -> Result<> {
        MutexGuard guard{n.map};
        if (!mapped)
            file_.prepared_end = std::max(file_.prepared_end, range_end());
        for (auto at = block_of(n, page + from); at < blocks_for(n, range_end()); ++at) {
            bool is_new = false;
            (void)TRY(block_for_write(n, at, is_new));
        }
        return {};
    });
}

void FilePages::write_copied(std::uint64_t end)
{
    if (end <= file_.attributes.size)
        return;
    (void)file_.node.fs().operation([&]() -> Result<> {
        file_.attributes.size = end;
        file_.node.size_changed = true;
        file_.node.fs().mark_dirty(file_.node);
        return {};
    });
}

RegularNode::RegularNode(Super &fs, std::uint32_t number, Ref<FilePages> pages)
    : RegularInode{fs}, node{fs, *this, number}, pages_{std::move(pages)}
{
}

// The pages know their file and the file its pages: the memory for both is there before either is made.
Result<Ref<Inode>> RegularNode::make(Super &fs, std::uint32_t number)
{
    void *memory = ::operator new(sizeof(RegularNode), std::nothrow);
    if (!memory)
        return Error::nomem;
    auto pages = make_ref<FilePages>(*static_cast<RegularNode *>(memory));
    if (!pages.ok()) {
        ::operator delete(memory);
        return pages.error();
    }
    return Ref<Inode>{new (memory) RegularNode{fs, number, pages.take()}};
}

std::uint64_t RegularNode::size_limit() const
{
    auto const &g = node.fs().geometry;
    if ((node.flags & uses_extents) != 0)
        return 0xfff'ffff'f000;
    if ((g.read_only_compatible & large_file) == 0)
        return 0x7fff'ffff;
    constexpr std::uint64_t sectors_limit = std::uint64_t{0xffff'ffff} << sector_shift;  // i_blocks has 32 bits
    return std::min(std::uint64_t{blocks_limit(g)} << g.block_shift, sectors_limit / 2);
}

Result<> RegularNode::before_write()
{
    if ((node.flags & immutable) != 0)
        return Error::perm;
    return node.fs().read_only ? Error::rofs : Result<>{};
}

// Somebody may have stored bytes behind the end through a mapping; they must not become part of the file. And from now on a store
// there needs blocks, so it has to announce itself again.
Result<> RegularNode::grow(std::uint64_t size)
{
    auto const old = attributes.size;
    auto const offset = static_cast<std::uint32_t>(old) & ~page_mask;
    if (size <= old || offset == 0)
        return {};
    auto const index = static_cast<std::uint32_t>(old >> page_shift);
    auto frame = TRY(pages_->page(index, false));
    auto *tail = static_cast<char *>(frame_address(frame)) + offset;
    if (std::any_of(tail, tail + page_size - offset, [](char c) { return c != 0; })) {
        std::memset(tail, 0, page_size - offset);
        pages_->page_dirtied(index);
    }
    pages_->protect_page(index);
    unref_frame(frame);
    return {};
}

void RegularNode::shrink(std::uint64_t from)
{
    auto done = patiently([&] {
        return node.fs().operation([&]() -> Result<> {
            MutexGuard guard{node.map};
            return free_range(node, blocks_for(node, from), blocks_limit(node.fs().geometry));
        });
    });
    if (!done.ok() && done.error() != Error::rofs)
        (void)node.fs().damaged("the end of a file cannot be cut off, of inode", node.number());
}

void RegularNode::set_size(std::uint64_t size)
{
    bool const shorter = size < attributes.size;
    if (size == attributes.size)
        return;
    (void)node.fs().operation([&]() -> Result<> {
        attributes.size = size;
        node.size_changed = true;
        node.fs().mark_dirty(node);
        return {};
    });
    if (!shorter || attributes.size != size)
        return;
    pages_->truncate(size);
    wait_direct();
    shrink(size);
}

void RegularNode::write_ended()
{
    auto const end = std::exchange(prepared_end, 0u);
    if (end > attributes.size && blocks_for(node, end) > blocks_for(node, attributes.size)) {
        pages_->truncate(attributes.size);
        shrink(attributes.size);
    }
}

Result<> RegularNode::set_attributes(Attributes const &a, unsigned which)
{
    if (node.fs().read_only)
        return Error::rofs;
    TRY(RegularInode::set_attributes(a, which));
    node.fs().mark_dirty(node);
    return {};
}

std::uint64_t RegularNode::next_boundary(std::uint64_t from, bool hole)
{
    MutexGuard guard{node.map};
    auto const end = blocks_for(node, attributes.size);
    auto found = next_block(node, block_of(node, from), hole, end);
    if (!found.ok())
        return hole ? attributes.size : from;
    return std::max(from, std::uint64_t{found.value()} << node.fs().geometry.block_shift);
}

Result<> RegularNode::sync_data(bool data_only)
{
    (void)pages_->write_and_wait();  // its errors are told to each descriptor once: RegularFile
    auto &fs = node.fs();
    if (fs.read_only)
        return {};
    bool const under_way = !fs.on_disk(node.written_in);
    if (under_way || node.fresh || (node.dirty && (!data_only || node.size_changed)))
        return fs.commit();
    return fs.disk().flush();
}

// fallocate(2): holes can be made. Blocks without contents ext2 does not know; glibc then writes zeroes instead.
Result<> RegularNode::allocate(unsigned mode, std::uint64_t start, std::uint64_t bytes)
{
    if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
        return Error::opnotsupp;
    TRY(before_write());
    auto const end = std::min(start + bytes, attributes.size);
    return start < end ? punch(start, end) : Result<>{};
}

// Zeroes in the blocks at both ends, then the whole ones between go. Behind the end of the file there is nothing to keep.
Result<> RegularNode::punch(std::uint64_t start, std::uint64_t end)
{
    // Both pages are here, so that their ends can be cleared.
    auto const first_page = TRY(pages_->page(static_cast<std::uint32_t>(start >> page_shift), false));
    auto const last_page = pages_->page(static_cast<std::uint32_t>((end - 1) >> page_shift), false);
    if (last_page.ok())
        pages_->punch(start, end);
    unref_frame(first_page);
    if (!last_page.ok())
        return last_page.error();
    unref_frame(last_page.value());
    wait_direct();
    auto const last = end == attributes.size ? blocks_for(node, end) : block_of(node, end);
    return node.fs().operation([&]() -> Result<> {
        MutexGuard guard{node.map};
        auto const first = blocks_for(node, start);
        return first < last ? free_range(node, first, last) : Result<>{};
    });
}
}  // namespace kernel::ext2
