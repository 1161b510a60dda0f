// SPDX-License-Identifier: MIT
// What every kind of ext2 inode has besides what kernel::Inode has: its number, its block pointers, what commit has to know.
#pragma once
#include <kernel/fs/ext2/format.hpp>
#include <kernel/fs/inode.hpp>

namespace kernel::ext2 {
class Super;
class Buffer;

class Node {
public:
    Node(Super &fs, Inode &inode, std::uint32_t number) : fs_{fs}, inode_{inode}, number_{number} {}
    Node(Node const &) = delete;
    Node &operator=(Node const &) = delete;
    Super &fs() const { return fs_; }
    Inode &inode() const { return inode_; }
    std::uint32_t number() const { return number_; }

    void decode(DiskInode const &, std::uint32_t inode_bytes);
    void encode(DiskInode &, std::uint32_t inode_bytes) const;
    bool has_block_of_its_own() const;  // an inode's data or pointers, not only an attribute block

    std::uint32_t block[block_pointers] = {};
    std::uint32_t flags = 0, generation = 0, file_acl = 0, dtime = 0;
    std::uint16_t extra_isize = 0;
    std::uint64_t sectors = 0;     // i_blocks: of 512 bytes, pointers and attributes too
    std::uint32_t last_block = 0;  // where the last one was allocated: the next goes behind it
    Mutex map;                     // block pointers, from looking one up to having changed it

    // For commit.cpp.
    bool dirty = false;
    bool fresh = false;                 // not on the disk yet: what is there says "unused"
    bool data_first = false;            // blocks were added: their data goes to the disk before it does
    bool size_changed = false;          // size or blocks, which fdatasync(2) has to save; not only times
    bool replaced = false;              // its last name was overwritten by rename: dies after the new name is there
    bool held = false;                  // its name is exchanged with another one's
    std::uint64_t written_in = 0;       // the batch in which it was last given to the disk
    bool appears = false;               // fresh: in this step
    std::uint32_t home = 0;             // fresh: the directory that has its name
    unsigned death_round = 0;           // of a removed directory: after all that were in it
    std::uint64_t moved_out_batch = 0;  // of a directory: something alive was moved out of it in this batch
    std::uint64_t linked_batch = 0;     // in this batch it got a name, in that directory block
    std::uint32_t linked_block = 0;
    boost::intrusive::list_member_hook<> dirty_hook, unused_hook, doomed_hook;
    Node *next_in_bucket = nullptr;
    bool doomed = false;    // no name and no user: being deleted
    bool given_up = false;  // its blocks and its number are

private:
    Super &fs_;
    Inode &inode_;
    std::uint32_t number_;
};

// Every ext2 inode is one of four classes; the type in its mode says which.
Node &node_of(Inode &);
}  // namespace kernel::ext2
