// SPDX-License-Identifier: MIT
// The names in a directory: blocks full of records, each as long as it says, the last one to the end of its block.
//
//   | inode 2 "." 12 | inode 2 ".." 12 | inode 11 "lost+found" 20 | inode 0 ........................ to 1024 |
//
// A free record has inode 0, or lies behind the name of the one before it. An indexed directory (dir_index) looks the same to
// whoever reads all blocks: its tree hides in free records. Whoever changes it takes the index flag away, as the format allows.
#pragma once
#include <kernel/fs/ext2/kinds.hpp>

namespace kernel::ext2 {
struct Place {  // of a record
    Ref<Buffer> buffer;
    std::uint32_t offset = 0, previous = 0;  // in the block; of the record before it, or the same for the first
    std::uint32_t block_index = 0;           // of the directory
    DiskEntry *entry() const { return buffer->at<DiskEntry>(offset); }
};

class Entries {
public:
    explicit Entries(Directory &d) : directory_{d}, fs_{d.node.fs()} {}
    std::uint32_t blocks() const;
    Result<Ref<Buffer>> block(std::uint32_t index);  // null: a hole
    // The record at `offset`, checked: it and its name lie in the block. Error::io: the directory is damaged.
    Result<DiskEntry *> at(Buffer &, std::uint32_t offset);
    Result<Place> find(std::string_view name);  // Error::noent
    Result<bool> empty();                       // but for "." and ".."
    // Room for a name: in the block `preferred` if it has some (~0: no matter), else anywhere, else in a new block.
    Result<Place> room_for(std::size_t name_bytes, std::uint32_t preferred = ~0u);
    void put(Place const &, std::string_view name, std::uint32_t inode, std::uint32_t mode);  // into what room_for() found
    void replace(Place const &, std::uint32_t inode, std::uint32_t mode);  // another inode for a name
    void remove(Place const &);
    Result<> begin(std::uint32_t parent);  // "." and ".." of a new directory

private:
    Result<bool> room_in(Place &, std::size_t name_bytes);
    Result<Place> grow(std::uint32_t index);
    void changed(Buffer &);
    Directory &directory_;
    Super &fs_;
};
std::uint8_t entry_type(std::uint32_t mode);  // DT_*, as ext2 numbers them in records
}  // namespace kernel::ext2
