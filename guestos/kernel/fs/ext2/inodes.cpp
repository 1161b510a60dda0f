// SPDX-License-Identifier: MIT
// The inodes in memory: found by number, kept a while without users, deleted when their last name and user are gone.
#include <arch/clock.hpp>
#include <cstring>
#include <kernel/fs/ext2/block_map.hpp>
#include <kernel/fs/ext2/kinds.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/log.hpp>
#include <kernel/memory/write_back.hpp>
#include <kernel/random.hpp>

namespace kernel::ext2 {
Node *Super::find_node(std::uint32_t number) const
{
    for (auto *n = nodes_[number % buckets]; n; n = n->next_in_bucket)
        if (n->number() == number)
            return n;
    return nullptr;
}

void Super::insert_node(Node &n) { n.next_in_bucket = std::exchange(nodes_[n.number() % buckets], &n); }

void Super::remove_node(Node &n)
{
    for (auto **slot = &nodes_[n.number() % buckets]; *slot; slot = &(*slot)->next_in_bucket)
        if (*slot == &n) {
            *slot = n.next_in_bucket;
            return;
        }
}

Result<Ref<Buffer>> Super::inode_buffer(std::uint32_t number, DiskInode *&where)
{
    auto const index = (number - 1) % geometry.inodes_per_group;
    auto const block = group((number - 1) / geometry.inodes_per_group).inode_table + index / geometry.inodes_per_block;
    auto buffer = TRY(buffers.read(block));
    where = buffer->at<DiskInode>(index % geometry.inodes_per_block * geometry.inode_bytes);
    return buffer;
}

namespace {
Result<Ref<Inode>> make_inode(Super &fs, std::uint32_t mode, std::uint32_t number)
{
    Result<Ref<Inode>> made = Error::io;
    switch (mode & s_ifmt) {
    case s_ifreg: made = RegularNode::make(fs, number); break;
    case s_ifdir: made = make_ref<Directory>(fs, number); break;
    case s_iflnk: made = make_ref<Symlink>(fs, number); break;
    case s_ifchr:
    case s_ifblk:
    case s_ififo:
    case s_ifsock: made = make_ref<Special>(fs, number); break;
    default: return Error::io;
    }
    if (made.ok())
        made.value()->attributes.mode = mode;
    return made;
}

// What a directory, a file or a link must look like at least for the rest of the code to be able to rely on it.
char const *wrong(Node const &n)
{
    auto const &a = n.inode().attributes;
    auto const &g = n.fs().geometry;
    switch (n.inode().type()) {
    case s_ifdir:
        return a.size == 0 || a.size % g.block_bytes != 0 || a.size > 0x8000'0000 ? "a directory has an impossible size"
                                                                                  : nullptr;
    case s_iflnk:
        if (a.size == 0 || a.size >= (n.has_block_of_its_own() ? g.block_bytes : Symlink::fast_max + 1))
            return "a symbolic link has an impossible length";
        return nullptr;
    default: return (n.flags & inline_data) != 0 ? "a file's data are in its inode" : nullptr;
    }
}
}  // namespace

Result<Ref<Inode>> Super::inode(std::uint32_t number)
{
    if (number == 0 || number > geometry.inodes || (number != root_inode && number < geometry.first_inode))
        return damaged("a directory has an impossible inode number", number);
    auto known = [&]() -> Result<Ref<Inode>> {
        auto *n = find_node(number);
        if (!n)
            return Ref<Inode>{};
        if (n->doomed)
            return Error::io;
        if (n->unused_hook.is_linked())
            unused_nodes_.erase(unused_nodes_.iterator_to(*n));
        return Ref<Inode>{&n->inode()};
    };
    if (auto here = TRY(known()))
        return here;
    DiskInode *disk = nullptr;
    auto buffer = TRY(inode_buffer(number, disk));
    if (auto here = TRY(known()))  // while we read
        return here;
    if (disk->links == 0)
        return damaged("a directory has a name for a deleted inode", number);
    auto made = make_inode(*this, disk->mode, number);
    if (!made.ok())
        return made.error() == Error::io ? damaged("an inode is of an unknown type", number) : made.error();
    auto inode = made.take();
    auto &node = node_of(*inode);
    node.decode(*disk, geometry.inode_bytes);
    insert_node(node);
    if (auto *what = wrong(node))
        return damaged(what, number);
    return inode;
}

// Its last reference goes at once, and with it the inode.
void Super::adopt_orphan(std::uint32_t number, DiskInode const &disk)
{
    auto made = make_inode(*this, disk.mode, number);
    if (!made.ok())
        return;
    auto inode = made.take();
    auto &node = node_of(*inode);
    node.decode(disk, geometry.inode_bytes);
    node.dtime = disk.mtime;
    insert_node(node);
    log("<4>ext2 %s: deletes inode %u, which had no name when the machine stopped", device_->name(), number);
}

Result<Ref<Inode>> Super::new_inode(Node const *directory, Attributes const &a)
{
    bool const is_dir = (a.mode & s_ifmt) == s_ifdir;
    auto number = TRY(allocate_inode(directory, is_dir));
    auto made = make_inode(*this, a.mode, number);
    if (!made.ok()) {
        free_inode(number, is_dir);
        return made.error();
    }
    auto inode = made.take();
    auto &n = node_of(*inode);
    inode->attributes = a;
    inode->attributes.ino = number;
    inode->attributes.nlink = is_dir ? 2 : 1;
    inode->attributes.size = 0;
    inode->attributes.block_size = geometry.block_bytes;
    if (geometry.inode_bytes > small_inode)
        n.extra_isize = sizeof(DiskInode) - small_inode;
    random_bytes(&n.generation, sizeof n.generation);
    if (directory)
        n.flags = directory->flags & (sync_updates | no_dump | no_atime);
    n.fresh = true;
    n.home = directory ? directory->number() : 0;
    auto const minor = a.rdev_minor;
    if ((a.mode & s_ifmt) == s_ifchr || (a.mode & s_ifmt) == s_ifblk) {
        if (a.rdev_major < 256 && minor < 256)
            n.block[0] = a.rdev_major << 8 | minor;
        else
            n.block[1] = (minor & 0xff) | a.rdev_major << 8 | (minor & ~0xffu) << 12;
    }
    insert_node(n);
    return inode;
}

void Super::mark_dirty(Node &n)
{
    n.inode().attributes.blocks = n.sectors;
    if (!n.dirty) {
        n.dirty = true;
        dirty_nodes_.push_back(n);
    }
    add_dirty();
}

void Super::add_dirty()
{
    if (dirty_since_ns_ != 0)
        return;
    dirty_since_ns_ = arch::now_ns() | 1;
    work_.wake_all();
}

void Super::lay_to_rest(Node &n)
{
    n.dtime = static_cast<std::uint32_t>(now().seconds);
    if (n.number() == lost_found_)
        lost_found_ = 0;
}

// From Ref's last unref(): deletion needs the disk, so the thread does it.
void Super::last_user_gone(Node &n)
{
    if (n.inode().attributes.nlink == 0 || wrong(n)) {
        n.doomed = true;
        doomed_nodes_.push_back(n);
        reap_wanted_ = true;
        work_.wake_all();
        return;
    }
    unused_nodes_.push_back(n);
    if (unused_nodes_.size() > frame_counts().total / 16) {
        reap_wanted_ = true;
        work_.wake_all();
    }
}

// Gives an inode's memory back. It has no user, and nothing of it waits to be written.
static void destroy(Node &n)
{
    auto &inode = n.inode();
    switch (inode.type()) {
    case s_ifreg: delete static_cast<RegularNode *>(&inode); return;
    case s_ifdir: delete static_cast<Directory *>(&inode); return;
    case s_iflnk: delete static_cast<Symlink *>(&inode); return;
    default: delete static_cast<Special *>(&inode); return;
    }
}

static FilePages *pages_of(Node &n)
{
    return n.inode().type() == s_ifreg ? &static_cast<RegularNode &>(n.inode()).file_pages() : nullptr;
}

void Super::delete_inode(Node &n)
{
    auto &a = n.inode().attributes;
    bool const device = a.rdev_major != 0 || a.rdev_minor != 0;
    if (n.inode().type() == s_ifreg)
        a.size = 0, pages_of(n)->truncate(0);
    if (a.nlink == 0 && !read_only && !aborted_) {
        WriteBackScope cannot_fail;
        Operation operation{*this};
        bool const has_blocks = !device && n.has_block_of_its_own();
        if (has_blocks && !free_range(n, 0, blocks_limit(geometry)).ok())
            (void)damaged("the blocks of a deleted file cannot all be freed, of inode", n.number());
        a.size = 0;
        if (n.file_acl != 0)
            release_attributes(n);
        free_inode(n.number(), n.inode().is_directory());
        if (n.fresh) {  // the disk never heard of it
            if (n.dirty)
                dirty_nodes_.erase(dirty_nodes_.iterator_to(n));
            n.dirty = false;
        } else {
            mark_dirty(n);
        }
    }
}

// An inode that is still dirty stays until its batch is on the disk.
void Super::reap()
{
    MutexGuard guard{reap_mutex_};
    reap_wanted_ = false;
    for (auto i = doomed_nodes_.begin(); i != doomed_nodes_.end();) {
        auto &n = *i++;
        auto *pages = pages_of(n);
        if (pages && pages->in_use())
            continue;
        if (!n.given_up) {
            delete_inode(n);
            n.given_up = true;  // only its writing is left
            i = doomed_nodes_.begin();
        }
    }
    for (auto i = doomed_nodes_.begin(); i != doomed_nodes_.end();) {
        auto &n = *i++;
        auto *pages = pages_of(n);
        if (!n.given_up || (n.dirty && !aborted_) || (pages && (pages->in_use() || !pages->idle())))
            continue;
        if (n.dirty)
            dirty_nodes_.erase(dirty_nodes_.iterator_to(n));
        doomed_nodes_.erase(doomed_nodes_.iterator_to(n));
        remove_node(n);
        destroy(n);
    }
    trim_inodes(frame_counts().total / 32);
}

void Super::trim_inodes(unsigned keep)
{
    auto left = unused_nodes_.size();
    while (unused_nodes_.size() > keep && left-- != 0) {
        auto &n = unused_nodes_.front();
        unused_nodes_.pop_front();
        auto *pages = pages_of(n);
        bool const unsaved = !aborted_ && (n.dirty || (pages && pages->any_dirty()));
        if (unsaved || (pages && (pages->in_use() || !pages->idle()))) {
            unused_nodes_.push_back(n);
            continue;
        }
        if (n.dirty)
            dirty_nodes_.erase(dirty_nodes_.iterator_to(n));
        remove_node(n);
        destroy(n);
    }
}
}  // namespace kernel::ext2
