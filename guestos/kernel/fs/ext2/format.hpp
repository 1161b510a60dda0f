// SPDX-License-Identifier: MIT
// ext2 on the disk, little-endian. Source: the kernel's Documentation/filesystems/ext4/ (globals, blockgroup, inodes, directory),
// e2fsprogs' manual pages mke2fs(8), ext4(5).
//
//   | boot | super | descriptors | block  | inode  | inode table | data ....... | super copy | ...     group after group
//   | 1 KB | block | of groups   | bitmap | bitmap |             |              |
#pragma once
#include <cstddef>
#include <cstdint>

namespace kernel::ext2 {
inline constexpr std::uint16_t super_magic = 0xef53;
inline constexpr std::uint32_t super_offset = 1024;

struct DiskSuper {
    std::uint32_t inodes_count, blocks_count, reserved_blocks, free_blocks, free_inodes, first_data_block,
        log_block_size, log_cluster_size, blocks_per_group, clusters_per_group, inodes_per_group, mount_time, write_time;
    std::uint16_t mount_count, max_mount_count, magic, state, errors, minor_revision;
    std::uint32_t check_time, check_interval, creator, revision;
    std::uint16_t reserved_uid, reserved_gid;
    // From here on: revision 1.
    std::uint32_t first_inode;
    std::uint16_t inode_size, group_of_copy;
    std::uint32_t compatible, incompatible, read_only_compatible;
    std::uint8_t uuid[16];
    char volume[16], last_mounted[64];
    std::uint32_t compression;
    std::uint8_t prealloc_blocks, prealloc_dir_blocks;
    std::uint16_t reserved_gdt_blocks;
    std::uint8_t journal_uuid[16];
    std::uint32_t journal_inode, journal_device, last_orphan, hash_seed[4];
    std::uint8_t hash_version, journal_backup;
    std::uint16_t descriptor_size;
    std::uint32_t mount_options, first_meta_group, mkfs_time, journal_blocks[17];
    std::uint32_t blocks_count_high, reserved_blocks_high, free_blocks_high;
    std::uint16_t min_extra_isize, want_extra_isize;
    std::uint32_t flags;
    std::uint16_t raid_stride, mmp_interval;
    std::uint64_t mmp_block;
    std::uint32_t raid_stripe_width;
    std::uint8_t log_groups_per_flex, checksum_type;
    std::uint16_t reserved_pad;
    std::uint64_t kilobytes_written;
    std::uint8_t rest[640];
};
static_assert(sizeof(DiskSuper) == 1024 && offsetof(DiskSuper, magic) == 56 && offsetof(DiskSuper, first_inode) == 84
              && offsetof(DiskSuper, last_orphan) == 232 && offsetof(DiskSuper, blocks_count_high) == 336
              && offsetof(DiskSuper, kilobytes_written) == 376);

enum State : std::uint16_t { state_clean = 1, state_errors = 2, state_orphans = 4 };
enum Errors : std::uint16_t { errors_continue = 1, errors_read_only = 2, errors_panic = 3 };

enum Compatible : std::uint32_t { has_journal = 4, ext_attr = 8, dir_index = 0x20, orphan_file = 0x1000 };
enum Incompatible : std::uint32_t {
    filetype = 2,
    needs_recovery = 4,
    extents = 0x40,
    sixty_four_bit = 0x80,
    flex_bg = 0x200,
    checksum_seed = 0x2000,
};
enum ReadOnlyCompatible : std::uint32_t {
    sparse_super = 1,
    large_file = 2,
    huge_file = 8,
    gdt_checksum = 0x10,
    dir_nlink = 0x20,
    extra_isize = 0x40,
    metadata_checksum = 0x400,
};
// What we can write to; what we can read.
inline constexpr std::uint32_t writable_incompatible = filetype,
                               writable_read_only = sparse_super | large_file | extra_isize;
inline constexpr std::uint32_t readable_incompatible = filetype | needs_recovery | extents | sixty_four_bit | flex_bg
    | checksum_seed;

struct DiskGroup {
    std::uint32_t block_bitmap, inode_bitmap, inode_table;
    std::uint16_t free_blocks, free_inodes, directories, flags;
    std::uint32_t exclude_bitmap;
    std::uint16_t block_bitmap_checksum, inode_bitmap_checksum, unused_inodes, checksum;
};
static_assert(sizeof(DiskGroup) == 32);
struct DiskGroupHigh {  // with sixty_four_bit, behind it
    std::uint32_t block_bitmap, inode_bitmap, inode_table;
};

inline constexpr unsigned direct_blocks = 12, block_pointers = 15;
struct DiskInode {
    std::uint16_t mode, uid;
    std::uint32_t size, atime, ctime, mtime, dtime;
    std::uint16_t gid, links;
    std::uint32_t sectors, flags, version;  // sectors: of 512 bytes
    std::uint32_t block[block_pointers];
    std::uint32_t generation, file_acl, size_high, fragment;
    std::uint16_t sectors_high, file_acl_high, uid_high, gid_high, checksum, pad;
    // From here on only in inodes of more than 128 bytes, and as far as extra_isize says.
    std::uint16_t extra_isize, checksum_high;
    std::uint32_t ctime_extra, mtime_extra, atime_extra, btime, btime_extra, version_high, project;
};
static_assert(sizeof(DiskInode) == 160 && offsetof(DiskInode, extra_isize) == 128 && offsetof(DiskInode, block) == 40);
inline constexpr std::uint32_t small_inode = 128;

enum InodeFlag : std::uint32_t {
    sync_updates = 8,
    immutable = 0x10,
    append_only = 0x20,
    no_dump = 0x40,
    no_atime = 0x80,
    indexed = 0x1000,
    huge = 0x40000,
    uses_extents = 0x80000,
    inline_data = 0x1000'0000,
};
inline constexpr std::uint32_t root_inode = 2, first_inode_old = 11;
inline constexpr std::uint16_t links_max = 32000;

struct DiskEntry {
    std::uint32_t inode;
    std::uint16_t record;  // bytes to the next one
    std::uint8_t name_bytes, type;
    char name[1];
    static constexpr unsigned header = 8;
    static constexpr unsigned needed(std::size_t name_bytes)
    {
        return static_cast<unsigned>(header + name_bytes + 3) & ~3u;
    }
};
static_assert(offsetof(DiskEntry, name) == 8);

struct DiskExtentHeader {
    std::uint16_t magic, entries, max, depth;
    std::uint32_t generation;
};
struct DiskExtent {
    std::uint32_t first;
    std::uint16_t count, start_high;
    std::uint32_t start;
};
struct DiskExtentIndex {
    std::uint32_t first, leaf;
    std::uint16_t leaf_high, unused;
};
static_assert(sizeof(DiskExtentHeader) == 12 && sizeof(DiskExtent) == 12 && sizeof(DiskExtentIndex) == 12);
inline constexpr std::uint16_t extent_magic = 0xf30a, extent_unwritten = 32768;
}  // namespace kernel::ext2
