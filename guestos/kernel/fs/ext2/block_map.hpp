// SPDX-License-Identifier: MIT
// From a file's block to the disk's. ext2: twelve pointers in the inode, then trees of blocks full of pointers:
//
//   block[0..11]   data
//   block[12]  --> pointers --> data
//   block[13]  --> pointers --> pointers --> data
//   block[14]  --> pointers --> pointers --> pointers --> data
//
// ext4's extents are read only. Callers hold Node::map, those who change something are in an Operation.
#pragma once
#include <kernel/fs/ext2/super.hpp>

namespace kernel::ext2 {
struct Run {
    std::uint32_t block;  // of the disk; 0: a hole
    std::uint32_t count;  // that lie together
};
// At most `most` blocks from `at` on. Error::io for pointers that lead nowhere: the file system is damaged.
Result<Run> find_run(Node &, std::uint32_t at, std::uint32_t most);
Result<Run> find_extent(Node &, std::uint32_t at, std::uint32_t most);
// The block, allocated if it was a hole; `is_new`: it was, so that what the disk has there means nothing.
Result<std::uint32_t> block_for_write(Node &, std::uint32_t at, bool &is_new);
// Gives up the blocks [from, to).
Result<> free_range(Node &, std::uint32_t from, std::uint32_t to);
std::uint32_t blocks_limit(Geometry const &);  // more a file cannot have
// Goes through all data blocks that are there: for SEEK_DATA. The first at or after `at`; ~0: none.
Result<std::uint32_t> next_block(Node &, std::uint32_t at, bool hole, std::uint32_t end);
}  // namespace kernel::ext2
