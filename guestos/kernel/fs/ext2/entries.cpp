// SPDX-License-Identifier: MIT
#include <cstring>
#include <kernel/fs/ext2/block_map.hpp>
#include <kernel/fs/ext2/entries.hpp>

namespace kernel::ext2 {
std::uint8_t entry_type(std::uint32_t mode)
{
    switch (mode & s_ifmt) {
    case s_ifreg: return 1;
    case s_ifdir: return 2;
    case s_ifchr: return 3;
    case s_ifblk: return 4;
    case s_ififo: return 5;
    case s_ifsock: return 6;
    case s_iflnk: return 7;
    default: return 0;
    }
}

std::uint32_t Entries::blocks() const
{
    return static_cast<std::uint32_t>(directory_.attributes.size >> fs_.geometry.block_shift);
}

Result<Ref<Buffer>> Entries::block(std::uint32_t index)
{
    Run run{};
    {
        MutexGuard guard{directory_.node.map};
        run = TRY(find_run(directory_.node, index, 1));
    }
    if (run.block == 0)
        return Ref<Buffer>{};
    return fs_.buffers.read(run.block);
}

Result<DiskEntry *> Entries::at(Buffer &b, std::uint32_t offset)
{
    auto const size = fs_.geometry.block_bytes;
    auto *e = b.at<DiskEntry>(offset);
    bool const good = offset + DiskEntry::header <= size && e->record >= DiskEntry::needed(1) && e->record % 4 == 0
        && e->record <= size - offset && DiskEntry::needed(e->name_bytes) <= e->record;
    if (!good
        && !(offset + DiskEntry::header <= size && e->inode == 0 && e->record >= DiskEntry::header && e->record % 4 == 0
             && e->record <= size - offset))
        return fs_.damaged("a directory has a record that is out of place, in block", b.block());
    return e;
}

Result<Place> Entries::find(std::string_view name)
{
    auto const count = blocks();
    for (std::uint32_t index = 0; index < count; ++index) {
        auto buffer = TRY(block(index));
        if (!buffer)
            continue;
        for (std::uint32_t offset = 0, previous = 0; offset < fs_.geometry.block_bytes;) {
            auto *e = TRY(at(*buffer, offset));
            if (e->inode != 0 && std::string_view{e->name, e->name_bytes} == name)
                return Place{std::move(buffer), offset, previous, index};
            previous = offset;
            offset += e->record;
        }
    }
    return Error::noent;
}

Result<bool> Entries::empty()
{
    auto const count = blocks();
    for (std::uint32_t index = 0; index < count; ++index) {
        auto buffer = TRY(block(index));
        for (std::uint32_t offset = 0; buffer && offset < fs_.geometry.block_bytes;) {
            auto *e = TRY(at(*buffer, offset));
            std::string_view const name{e->name, e->name_bytes};
            if (e->inode != 0 && name != "." && name != "..")
                return false;
            offset += e->record;
        }
    }
    return true;
}

// Room in one block: a free record, or the rest of one behind its name.
Result<bool> Entries::room_in(Place &p, std::size_t name_bytes)
{
    auto const wanted = DiskEntry::needed(name_bytes);
    for (std::uint32_t offset = 0; offset < fs_.geometry.block_bytes;) {
        auto *e = TRY(at(*p.buffer, offset));
        auto const used = e->inode == 0 ? 0u : DiskEntry::needed(e->name_bytes);
        if (e->record >= used + wanted) {
            p.offset = offset;
            return true;
        }
        offset += e->record;
    }
    return false;
}

Result<Place> Entries::room_for(std::size_t name_bytes, std::uint32_t preferred)
{
    auto const count = blocks();
    auto const first = preferred < count ? preferred : directory_.insert_hint < count ? directory_.insert_hint : 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        auto const index = (first + i) % count;
        Place p{TRY(block(index)), 0, 0, index};
        if (p.buffer && TRY(room_in(p, name_bytes))) {
            directory_.insert_hint = index;
            return p;
        }
    }
    return grow(count);
}

Result<Place> Entries::grow(std::uint32_t index)
{
    auto &node = directory_.node;
    if (directory_.attributes.size + fs_.geometry.block_bytes > 0x7fff'ffff)
        return Error::nospc;
    bool is_new = false;
    std::uint32_t number = 0;
    {
        MutexGuard guard{node.map};
        number = TRY(block_for_write(node, index, is_new));
    }
    if (!is_new)
        return fs_.damaged("a directory has a block behind its end", number);
    auto buffer = fs_.buffers.fresh(number);
    if (!buffer.ok()) {
        MutexGuard guard{node.map};
        (void)free_range(node, index, index + 1);
        return buffer.error();
    }
    buffer.value()->at<DiskEntry>()->record = static_cast<std::uint16_t>(fs_.geometry.block_bytes);
    directory_.attributes.size += fs_.geometry.block_bytes;
    directory_.insert_hint = index;
    fs_.mark_dirty(node);
    return Place{buffer.take(), 0, 0, index};
}

void Entries::changed(Buffer &b)
{
    auto &node = directory_.node;
    fs_.buffers.mark(b, Stage::names);
    node.flags &= ~indexed;
    fs_.mark_dirty(node);
}

void Entries::put(Place const &p, std::string_view name, std::uint32_t inode, std::uint32_t mode)
{
    auto *e = p.entry();
    if (e->inode != 0) {
        auto const used = static_cast<std::uint16_t>(DiskEntry::needed(e->name_bytes));
        auto *behind = p.buffer->at<DiskEntry>(p.offset + used);
        behind->record = static_cast<std::uint16_t>(e->record - used);
        e->record = used;
        e = behind;
    }
    e->name_bytes = static_cast<std::uint8_t>(name.size());
    std::memcpy(e->name, name.data(), name.size());
    e->type = (fs_.geometry.incompatible & filetype) != 0 ? entry_type(mode) : std::uint8_t{0};
    e->inode = inode;
    changed(*p.buffer);
}

void Entries::replace(Place const &p, std::uint32_t inode, std::uint32_t mode)
{
    p.entry()->inode = inode;
    p.entry()->type = (fs_.geometry.incompatible & filetype) != 0 ? entry_type(mode) : std::uint8_t{0};
    changed(*p.buffer);
}

void Entries::remove(Place const &p)
{
    auto *e = p.entry();
    if (p.previous != p.offset) {
        auto *before = p.buffer->at<DiskEntry>(p.previous);
        before->record = static_cast<std::uint16_t>(before->record + e->record);
    }
    e->inode = 0;
    ++directory_.changes;
    changed(*p.buffer);
}

Result<> Entries::begin(std::uint32_t parent)
{
    auto p = TRY(grow(0));
    auto *dot = p.entry();
    auto const self = directory_.node.number();
    bool const typed = (fs_.geometry.incompatible & filetype) != 0;
    dot->inode = self;
    dot->record = DiskEntry::needed(1);
    dot->name_bytes = 1;
    dot->type = typed ? entry_type(s_ifdir) : std::uint8_t{0};
    dot->name[0] = '.';
    auto *dots = p.buffer->at<DiskEntry>(dot->record);
    dots->inode = parent;
    dots->record = static_cast<std::uint16_t>(fs_.geometry.block_bytes - dot->record);
    dots->name_bytes = 2;
    dots->type = dot->type;
    std::memcpy(dots->name, "..", 2);
    return {};
}
}  // namespace kernel::ext2
