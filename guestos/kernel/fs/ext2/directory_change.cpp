// SPDX-License-Identifier: MIT
// Changes of directories. Callers (names.cpp, rename.cpp) hold the mutexes of the directories and have checked permissions. What must
// be true of the order in which all this reaches the disk is explained in commit.cpp; here is what an operation has to tell it.
#include <algorithm>
#include <cstring>
#include <kernel/fs/ext2/block_map.hpp>
#include <kernel/fs/ext2/entries.hpp>
#include <kernel/fs/names.hpp>
#include <linux/fs.h>

namespace kernel::ext2 {
namespace {
void touch(Node &n)
{
    n.inode().attributes.mtime = n.inode().attributes.ctime = now();
    n.fs().mark_dirty(n);
}

void touch_inode(Node &n)
{
    n.inode().attributes.ctime = now();
    n.fs().mark_dirty(n);
}

// The inode has a name in that block from now on.
void named(Node &n, Node &directory, Buffer const &block)
{
    if (n.fresh) {
        n.home = directory.number();
        return;
    }
    n.linked_batch = n.fs().batch();
    n.linked_block = block.block();
}

// A name goes from `block`, others stay: one that came in this batch must be on the disk before.
Result<> keep_named(Node &n, Buffer &block)
{
    if (n.fresh || n.linked_batch != n.fs().batch() || n.linked_block == block.block())
        return {};
    auto other = TRY(n.fs().buffers.read(n.linked_block));
    return n.fs().order_names(block, *other);
}

void drop_name(Node &n)
{
    auto &a = n.inode().attributes;
    if (a.nlink != 0)
        --a.nlink;
    if (a.nlink == 0)
        n.fs().lay_to_rest(n);
    touch_inode(n);
}

void end_directory(Node &n)
{
    n.inode().attributes.nlink = 0;
    n.fs().lay_to_rest(n);
    touch_inode(n);
}

Result<> check_match(Super &fs, Place const &p, Node const &n)
{
    return p.entry()->inode == n.number()
        ? Result<>{}
        : Result<>{fs.damaged("a name leads elsewhere than a moment ago, inode", n.number())};
}

Result<> add_name(Directory &d, std::string_view name, Inode &inode)
{
    Entries entries{d};
    auto place = TRY(entries.room_for(name.size()));
    auto &n = node_of(inode);
    entries.put(place, name, n.number(), inode.attributes.mode);
    named(n, d.node, *place.buffer);
    touch(d.node);
    return {};
}

// Gives a new inode its name; without success it has none and is forgotten with its last user.
Result<Ref<Inode>> introduce(Directory &d, std::string_view name, Ref<Inode> inode, Result<> prepared)
{
    if (prepared.ok())
        prepared = add_name(d, name, *inode);
    if (!prepared.ok()) {
        inode->attributes.nlink = 0;
        return prepared.error();
    }
    d.node.fs().mark_dirty(node_of(*inode));
    return inode;
}
}  // namespace

Result<Ref<Inode>> Directory::create(std::string_view name, Attributes const &a)
{
    return node.fs().operation(
        [&]() -> Result<Ref<Inode>> { return introduce(*this, name, TRY(node.fs().new_inode(&node, a)), {}); });
}

Result<Ref<Inode>> Directory::make_directory(std::string_view name, Attributes const &a)
{
    if (attributes.nlink >= links_max)
        return Error::mlink;
    return node.fs().operation([&]() -> Result<Ref<Inode>> {
        auto inode = TRY(node.fs().new_inode(&node, a));
        auto begun = Entries{static_cast<Directory &>(*inode)}.begin(node.number());
        auto made = TRY(introduce(*this, name, std::move(inode), begun));
        ++attributes.nlink;
        return made;
    });
}

static Result<> write_target(Node &n, std::string_view target)
{
    n.inode().attributes.size = target.size();
    if (target.size() <= Symlink::fast_max) {
        std::memcpy(n.block, target.data(), target.size());
        return {};
    }
    bool is_new = false;
    auto block = TRY(block_for_write(n, 0, is_new));
    auto buffer = TRY(n.fs().buffers.fresh(block));
    std::memcpy(buffer->at(), target.data(), target.size());
    return {};
}

Result<Ref<Inode>> Directory::symlink(std::string_view name, std::string_view target, Attributes const &a)
{
    if (target.size() >= node.fs().geometry.block_bytes)
        return Error::nametoolong;
    return node.fs().operation([&]() -> Result<Ref<Inode>> {
        auto inode = TRY(node.fs().new_inode(&node, a));
        auto written = write_target(node_of(*inode), target);
        return introduce(*this, name, std::move(inode), written);
    });
}

Result<Ref<Inode>> Directory::temporary(Attributes const &a)
{
    return node.fs().operation([&]() -> Result<Ref<Inode>> {
        auto inode = TRY(node.fs().new_inode(&node, a));
        inode->attributes.nlink = 0;
        return inode;
    });
}

Result<> Directory::link(std::string_view name, Inode &inode)
{
    auto &fs = node.fs();
    auto &n = node_of(inode);
    if (inode.attributes.nlink >= links_max)
        return Error::mlink;
    return fs.operation([&]() -> Result<> {
        // A directory that is not on the disk yet cannot hold what is there; nor may a new file depend on two of them.
        bool const another = inode.attributes.nlink != 0;
        if (node.fresh && another)
            return commit_first;
        if (n.fresh && another && n.home != node.number() && fs.is_fresh(n.home))
            return commit_first;
        TRY(add_name(*this, name, inode));
        ++inode.attributes.nlink;
        touch_inode(n);
        return {};
    });
}

Result<> Directory::unlink(std::string_view name, Inode &inode)
{
    auto &n = node_of(inode);
    return node.fs().operation([&]() -> Result<> {
        Entries entries{*this};
        auto place = TRY(entries.find(name));
        TRY(check_match(node.fs(), place, n));
        if (inode.attributes.nlink > 1)
            TRY(keep_named(n, *place.buffer));
        entries.remove(place);
        touch(node);
        drop_name(n);
        return {};
    });
}

Result<> Directory::remove_directory(std::string_view name, Inode &inode)
{
    auto &child = static_cast<Directory &>(inode);
    return node.fs().operation([&]() -> Result<> {
        if (!TRY(Entries{child}.empty()))
            return Error::notempty;
        if (!child.node.fresh && child.node.moved_out_batch == node.fs().batch())
            return commit_first;  // what was moved out of it has to be elsewhere on the disk
        Entries entries{*this};
        auto place = TRY(entries.find(name));
        TRY(check_match(node.fs(), place, child.node));
        entries.remove(place);
        if (!child.node.fresh)
            node.death_round = std::max(node.death_round, child.node.death_round + 1);
        end_directory(child.node);
        if (attributes.nlink > 2)
            --attributes.nlink;
        touch(node);
        return {};
    });
}

namespace {
// One rename, as far as it is ext2's.
struct Renaming {
    Directory &from, &to;
    std::string_view name, new_name;
    Node &moved;
    Node *target;
    bool exchange;
    Super &fs;

    bool across() const { return &from != &to; }
    bool moves_directory() const { return moved.inode().is_directory(); }

    Result<> check() const
    {
        if (!moved.fresh && to.node.fresh)
            return commit_first;
        if (target && moved.fresh != target->fresh && (moved.fresh || exchange))
            return commit_first;  // or the name would lead nowhere until the new inode is on the disk
        if (exchange)
            return (!target->fresh && from.node.fresh) ? Result<>{commit_first} : Result<>{};
        if (target && target->inode().is_directory()) {
            if (!TRY(Entries{static_cast<Directory &>(target->inode())}.empty()))
                return Error::notempty;
            if (!target->fresh && target->moved_out_batch == fs.batch())
                return commit_first;
        }
        bool const one_more = across() && moves_directory() && !(target && target->inode().is_directory());
        return one_more && to.attributes.nlink >= links_max ? Result<>{Error::mlink} : Result<>{};
    }

    // The directory gets another parent.
    Result<> reparent(Node &n, Directory &parent)
    {
        Entries entries{static_cast<Directory &>(n.inode())};
        auto place = TRY(entries.find(".."));
        entries.replace(place, parent.node.number(), s_ifdir);
        return {};
    }

    Result<> run()
    {
        TRY(check());
        Entries source{from}, destination{to};
        auto old_place = TRY(source.find(name));
        TRY(check_match(fs, old_place, moved));
        auto new_place = target ? TRY(destination.find(new_name))
                                : TRY(destination.room_for(new_name.size(), across() ? ~0u : old_place.block_index));
        if (target)
            TRY(check_match(fs, new_place, *target));
        if (exchange)
            return swap(old_place, new_place);
        bool const other_block = old_place.buffer != new_place.buffer;
        if (!moved.fresh && other_block)
            TRY(fs.order_names(*old_place.buffer, *new_place.buffer));
        if (target && target->inode().attributes.nlink > 1 && !target->inode().is_directory())
            TRY(keep_named(*target, *new_place.buffer));
        if (across() && moves_directory())
            TRY(reparent(moved, to));
        if (target)
            destination.replace(new_place, moved.number(), moved.inode().attributes.mode);
        else
            destination.put(new_place, new_name, moved.number(), moved.inode().attributes.mode);
        named(moved, to.node, *new_place.buffer);
        source.remove(other_block ? old_place : TRY(source.find(name)));
        finish();
        return {};
    }

    void finish()
    {
        if (across() && !moved.fresh)
            from.node.moved_out_batch = fs.batch();
        if (across() && moves_directory()) {
            --from.attributes.nlink;
            ++to.attributes.nlink;
        }
        if (target && target->inode().is_directory()) {
            --to.attributes.nlink;
            if (!target->fresh)
                to.node.death_round = std::max(to.node.death_round, target->death_round + 1);
            end_directory(*target);
        } else if (target) {
            drop_name(*target);
            if (target->inode().attributes.nlink == 0)
                fs.replaced(*target);
        }
        touch_inode(moved);
        touch(from.node);
        touch(to.node);
    }

    // Both change at once: neither block can be first, so both inodes are held by another name while the blocks are written.
    Result<> swap(Place const &old_place, Place const &new_place)
    {
        Entries source{from}, destination{to};
        if (old_place.buffer != new_place.buffer) {
            fs.hold(moved);
            fs.hold(*target);
        }
        if (across() && moves_directory())
            TRY(reparent(moved, to));
        if (across() && target->inode().is_directory())
            TRY(reparent(*target, from));
        destination.replace(new_place, moved.number(), moved.inode().attributes.mode);
        source.replace(old_place, target->number(), target->inode().attributes.mode);
        named(moved, to.node, *new_place.buffer);
        named(*target, from.node, *old_place.buffer);
        if (across()) {
            int const change = int{moves_directory()} - int{target->inode().is_directory()};
            to.attributes.nlink = static_cast<std::uint32_t>(static_cast<int>(to.attributes.nlink) + change);
            from.attributes.nlink = static_cast<std::uint32_t>(static_cast<int>(from.attributes.nlink) - change);
            from.node.moved_out_batch = to.node.moved_out_batch = fs.batch();
        }
        touch_inode(moved);
        touch_inode(*target);
        touch(from.node);
        touch(to.node);
        return {};
    }
};
}  // namespace

Result<> Directory::rename(std::string_view name, Inode &inode, Inode &new_directory, std::string_view new_name,
                           Inode *target, unsigned flags)
{
    auto &fs = node.fs();
    return fs.operation([&]() -> Result<> {
        Renaming r{*this,
                   static_cast<Directory &>(new_directory),
                   name,
                   new_name,
                   node_of(inode),
                   target ? &node_of(*target) : nullptr,
                   (flags & RENAME_EXCHANGE) != 0,
                   fs};
        return r.run();
    });
}

namespace {
// Owner, mode and times change in memory at once and are written with the next batch.
Result<> change_attributes(Inode &inode, Attributes const &a, unsigned which)
{
    auto &n = node_of(inode);
    if (n.fs().read_only)
        return Error::rofs;
    TRY(inode.Inode::set_attributes(a, which));
    n.fs().mark_dirty(n);
    return {};
}
}  // namespace

Result<> Directory::set_attributes(Attributes const &a, unsigned which) { return change_attributes(*this, a, which); }
Result<> Symlink::set_attributes(Attributes const &a, unsigned which) { return change_attributes(*this, a, which); }
Result<> Special::set_attributes(Attributes const &a, unsigned which) { return change_attributes(*this, a, which); }

Result<std::size_t> Symlink::read_link(char *out, std::size_t size)
{
    auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(attributes.size, size));
    if (is_fast()) {
        std::memcpy(out, node.block, std::min(n, fast_max + 1));
        return n;
    }
    MutexGuard guard{node.map};
    auto run = TRY(find_run(node, 0, 1));
    if (run.block == 0)
        return node.fs().damaged("a symbolic link has no text, inode", node.number());
    auto buffer = TRY(node.fs().buffers.read(run.block));
    std::memcpy(out, buffer->at(), n);
    return n;
}
}  // namespace kernel::ext2
