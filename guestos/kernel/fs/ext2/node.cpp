// SPDX-License-Identifier: MIT
// Between an inode on the disk and in memory.
#include <kernel/fs/ext2/kinds.hpp>

namespace kernel::ext2 {
namespace {
// Seconds are 32 bits with a sign; two more bits and the nanoseconds stand in the extra word: Documentation/filesystems/ext4/inodes.
TimeSpec decode_time(std::uint32_t seconds, std::uint32_t extra)
{
    auto const epoch = std::int64_t{extra & 3} << 32;
    auto const ns = extra >> 2;
    return {static_cast<std::int32_t>(seconds) + epoch, ns < 1'000'000'000 ? ns : 0};
}
std::uint32_t encode_extra(TimeSpec const &t)
{
    auto const epoch = static_cast<std::uint64_t>(t.seconds - static_cast<std::int32_t>(t.seconds)) >> 32;
    return static_cast<std::uint32_t>(epoch & 3) | t.nanoseconds << 2;
}
// What 34 bits, or 32, cannot hold becomes the nearest that they can.
TimeSpec representable(TimeSpec t, bool extra)
{
    constexpr std::int64_t lowest = -(std::int64_t{1} << 31);
    auto const highest = extra ? (std::int64_t{3} << 32) + 0x7fff'ffff : std::int64_t{0x7fff'ffff};
    if (t.seconds < lowest)
        return {lowest, 0};
    return t.seconds > highest ? TimeSpec{highest, 0} : t;
}

bool is_device(std::uint32_t mode) { return (mode & s_ifmt) == s_ifchr || (mode & s_ifmt) == s_ifblk; }
constexpr std::uint16_t extra_end(std::size_t offset) { return static_cast<std::uint16_t>(offset + 4 - small_inode); }
}  // namespace

void Node::decode(DiskInode const &d, std::uint32_t inode_bytes)
{
    auto &a = inode_.attributes;
    extra_isize = inode_bytes > small_inode && d.extra_isize <= inode_bytes - small_inode ? d.extra_isize
                                                                                          : std::uint16_t{0};
    auto extra = [&](std::uint32_t const &field) {
        auto const offset = reinterpret_cast<char const *>(&field) - reinterpret_cast<char const *>(&d);
        return extra_isize >= extra_end(static_cast<std::size_t>(offset)) ? field : 0u;
    };
    a.mode = d.mode;
    a.uid = d.uid | std::uint32_t{d.uid_high} << 16;
    a.gid = d.gid | std::uint32_t{d.gid_high} << 16;
    a.nlink = d.links;
    a.ino = number_;
    a.size = d.size;
    if ((a.mode & s_ifmt) == s_ifreg || (a.mode & s_ifmt) == s_ifdir)
        a.size |= std::uint64_t{d.size_high} << 32;
    a.atime = decode_time(d.atime, extra(d.atime_extra));
    a.mtime = decode_time(d.mtime, extra(d.mtime_extra));
    a.ctime = decode_time(d.ctime, extra(d.ctime_extra));
    a.btime = decode_time(extra(d.btime), extra(d.btime_extra));
    a.block_size = fs_.geometry.block_bytes;
    flags = d.flags;
    generation = d.generation;
    file_acl = d.file_acl;
    sectors = d.sectors;
    if ((fs_.geometry.read_only_compatible & huge_file) != 0) {
        sectors |= std::uint64_t{d.sectors_high} << 32;
        if ((flags & huge) != 0)
            sectors *= fs_.geometry.sectors_per_block();
    }
    a.blocks = sectors;
    for (unsigned i = 0; i < block_pointers; ++i)
        block[i] = d.block[i];
    if (is_device(a.mode)) {  // the old encoding in the first word, or the new one in the second
        auto const dev = block[0] != 0 ? block[0] : block[1];
        a.rdev_major = block[0] != 0 ? dev >> 8 & 0xff : dev >> 8 & 0xfff;
        a.rdev_minor = block[0] != 0 ? dev & 0xff : (dev & 0xff) | (dev >> 12 & 0xfff00);
    }
}

void Node::encode(DiskInode &d, std::uint32_t inode_bytes) const
{
    auto const &a = inode_.attributes;
    bool const with_extra = extra_isize >= extra_end(offsetof(DiskInode, btime_extra));
    auto const atime = representable(a.atime, with_extra), mtime = representable(a.mtime, with_extra),
               ctime = representable(a.ctime, with_extra), btime = representable(a.btime, with_extra);
    d.mode = static_cast<std::uint16_t>(a.mode);
    d.uid = static_cast<std::uint16_t>(a.uid);
    d.uid_high = static_cast<std::uint16_t>(a.uid >> 16);
    d.gid = static_cast<std::uint16_t>(a.gid);
    d.gid_high = static_cast<std::uint16_t>(a.gid >> 16);
    d.links = static_cast<std::uint16_t>(a.nlink);
    d.size = static_cast<std::uint32_t>(a.size);
    d.size_high = (a.mode & s_ifmt) == s_ifreg ? static_cast<std::uint32_t>(a.size >> 32) : 0;
    d.atime = static_cast<std::uint32_t>(atime.seconds);
    d.mtime = static_cast<std::uint32_t>(mtime.seconds);
    d.ctime = static_cast<std::uint32_t>(ctime.seconds);
    d.dtime = a.nlink == 0 ? dtime : 0;
    d.flags = flags;
    d.generation = generation;
    d.file_acl = file_acl;
    d.sectors = static_cast<std::uint32_t>(sectors);
    for (unsigned i = 0; i < block_pointers; ++i)
        d.block[i] = block[i];
    if (inode_bytes <= small_inode)
        return;
    d.extra_isize = extra_isize;
    if (!with_extra)
        return;
    d.atime_extra = encode_extra(atime);
    d.mtime_extra = encode_extra(mtime);
    d.ctime_extra = encode_extra(ctime);
    d.btime = static_cast<std::uint32_t>(btime.seconds);
    d.btime_extra = encode_extra(btime);
}

bool Node::has_block_of_its_own() const { return sectors > (file_acl != 0 ? fs_.geometry.sectors_per_block() : 0); }

Node &node_of(Inode &i)
{
    switch (i.type()) {
    case s_ifreg: return static_cast<RegularNode &>(i).node;
    case s_ifdir: return static_cast<Directory &>(i).node;
    case s_iflnk: return static_cast<Symlink &>(i).node;
    default: return static_cast<Special &>(i).node;
    }
}
}  // namespace kernel::ext2
