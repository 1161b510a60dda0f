// SPDX-License-Identifier: MIT
// mount(2) of an ext2: is it one, can we read it, can we write to it? No number on the disk is believed before it has been checked.
#include <bit>
#include <cstring>
#include <kernel/block/block_pages.hpp>
#include <kernel/fs/ext2/entries.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/log.hpp>
#include <lib/format.hpp>
#include <linux/mount.h>

namespace kernel::ext2 {
namespace {
struct FeatureName {
    std::uint32_t bit;
    char const *name;
};
// As e2fsprogs calls them: ext4(5).
constexpr FeatureName incompatible_names[] = {{1, "compression"},
                                              {4, "needs_recovery"},
                                              {8, "journal_dev"},
                                              {0x10, "meta_bg"},
                                              {0x40, "extent"},
                                              {0x80, "64bit"},
                                              {0x100, "mmp"},
                                              {0x200, "flex_bg"},
                                              {0x400, "ea_inode"},
                                              {0x1000, "dirdata"},
                                              {0x2000, "metadata_csum_seed"},
                                              {0x4000, "large_dir"},
                                              {0x8000, "inline_data"},
                                              {0x1'0000, "encrypt"},
                                              {0x2'0000, "casefold"}};
constexpr FeatureName read_only_names[] = {{4, "btree_dir"},
                                           {8, "huge_file"},
                                           {0x10, "uninit_bg"},
                                           {0x20, "dir_nlink"},
                                           {0x100, "quota"},
                                           {0x200, "bigalloc"},
                                           {0x400, "metadata_csum"},
                                           {0x800, "replica"},
                                           {0x1000, "read-only"},
                                           {0x2000, "project"},
                                           {0x4000, "shared_blocks"},
                                           {0x8000, "verity"},
                                           {0x1'0000, "orphan_present"}};

// " extent 64bit": the names of the bits.
template <std::size_t N>
std::size_t append_names(char *out, std::size_t size, std::size_t at, std::uint32_t bits, FeatureName const (&names)[N])
{
    for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
        if ((bits & bit) == 0 || at >= size)
            continue;
        char const *name = nullptr;
        for (auto const &n : names)
            name = n.bit == bit ? n.name : name;
        at += static_cast<std::size_t>(name ? format(out + at, size - at, " %s", name)
                                            : format(out + at, size - at, " feature-%x", bit));
    }
    return at;
}
}  // namespace

std::uint32_t Geometry::overhead() const
{
    auto const table = (inodes_per_group + inodes_per_block - 1) / inodes_per_block;
    auto const descriptors = (groups + descriptors_per_block - 1) / descriptors_per_block;
    auto sum = first_data_block;
    for (std::uint32_t n = 0; n < groups; ++n)
        sum += table + 2 + (has_super_copy(n) ? 1 + descriptors : 0);
    return sum < blocks ? sum : 0;
}

// read_only: set if we can read it but not write to it.
Result<> Super::check_features(DiskSuper const &s, bool &only_readable) const
{
    bool const old = s.revision == 0;
    auto const incompatible = old ? 0 : s.incompatible, read_only_bits = old ? 0 : s.read_only_compatible;
    char text[200];
    if ((incompatible & ~readable_incompatible) != 0) {
        append_names(text, sizeof text, 0, incompatible & ~readable_incompatible, incompatible_names);
        log("<3>ext2 %s: refused, for it has features that this kernel cannot read:%s", device_->name(), text);
        return Error::inval;
    }
    auto const a = incompatible & ~writable_incompatible, b = read_only_bits & ~writable_read_only;
    if (a == 0 && b == 0)
        return {};
    if (!std::exchange(only_readable, true)) {
        auto at = append_names(text, sizeof text, 0, a, incompatible_names);
        append_names(text, sizeof text, at, b, read_only_names);
        log("<4>ext2 %s: only read, for it has features that this kernel cannot write:%s", device_->name(), text);
    }
    if ((incompatible & needs_recovery) != 0)
        log("<4>ext2 %s: its journal has changes that are not seen here: run e2fsck on it", device_->name());
    return {};
}

Result<> Super::read_geometry(DiskSuper const &s)
{
    auto &g = geometry;
    auto bad = [this](char const *what, std::uint64_t value) {
        log("<3>ext2 %s: the super block is damaged: %s %llu; e2fsck -b BLOCK takes one of its copies", device_->name(),
            what, static_cast<unsigned long long>(value));
        return Error::inval;
    };
    if (s.revision > 1)
        return bad("it is of revision", s.revision);
    if (s.log_block_size > 2)
        return bad("its blocks are too large for this kernel, 1024 shifted by", s.log_block_size);
    g.block_shift = 10 + s.log_block_size;
    g.block_bytes = 1u << g.block_shift;
    g.pointers_per_block = g.block_bytes / 4;
    g.first_data_block = s.first_data_block;
    g.blocks = s.blocks_count;
    g.inodes = s.inodes_count;
    g.blocks_per_group = s.blocks_per_group;
    g.inodes_per_group = s.inodes_per_group;
    bool const old = s.revision == 0;
    g.compatible = old ? 0 : s.compatible;
    g.incompatible = old ? 0 : s.incompatible;
    g.read_only_compatible = old ? 0 : s.read_only_compatible;
    g.inode_bytes = old ? small_inode : s.inode_size;
    g.first_inode = old ? first_inode_old : s.first_inode;
    if (g.inode_bytes < small_inode || g.inode_bytes > g.block_bytes || !std::has_single_bit(g.inode_bytes))
        return bad("inodes of bytes", g.inode_bytes);
    g.inodes_per_block = g.block_bytes / g.inode_bytes;
    bool const wide = (g.incompatible & sixty_four_bit) != 0;
    g.descriptor_bytes = wide ? s.descriptor_size : 32u;
    if (g.descriptor_bytes < 32 || g.descriptor_bytes > g.block_bytes || !std::has_single_bit(g.descriptor_bytes))
        return bad("group descriptors of bytes", g.descriptor_bytes);
    g.descriptors_per_block = g.block_bytes / g.descriptor_bytes;
    if (wide && s.blocks_count_high != 0)
        return bad("too large for this kernel, 2^32 blocks and more:", s.blocks_count_high);
    if (g.first_data_block != (g.block_bytes == 1024 ? 1u : 0u) || g.blocks <= g.first_data_block + 8)
        return bad("number of blocks", g.blocks);
    if (g.blocks_per_group == 0 || g.blocks_per_group > g.block_bytes * 8 || g.blocks_per_group % 8 != 0)
        return bad("blocks in a group", g.blocks_per_group);
    if (g.inodes_per_group == 0 || g.inodes_per_group > g.block_bytes * 8)
        return bad("inodes in a group", g.inodes_per_group);
    g.groups = (g.blocks - g.first_data_block + g.blocks_per_group - 1) / g.blocks_per_group;
    if (std::uint64_t{g.groups} * g.inodes_per_group != g.inodes)
        return bad("number of inodes", g.inodes);
    if (g.first_inode < first_inode_old || g.first_inode > g.inodes)
        return bad("first inode", g.first_inode);
    if (s.log_cluster_size != s.log_block_size && s.log_cluster_size != 0)
        return bad("clusters are not blocks, 1024 shifted by", s.log_cluster_size);
    if (std::uint64_t{g.blocks} * g.sectors_per_block() > device_->sectors()) {
        log("<3>ext2 %s: the device ends before the file system: %llu of %llu KB; is it a truncated copy?",
            device_->name(), static_cast<unsigned long long>(device_->sectors() / 2),
            static_cast<unsigned long long>(std::uint64_t{g.blocks} << g.block_shift >> 10));
        return Error::inval;
    }
    return {};
}

Result<> Super::check_groups()
{
    auto const &g = geometry;
    auto const table = (g.inodes_per_group + g.inodes_per_block - 1) / g.inodes_per_block;
    bool const anywhere = (g.incompatible & flex_bg) != 0;
    free_blocks_ = free_inodes_ = 0;
    for (std::uint32_t n = 0; n < g.groups; ++n) {
        auto const &e = group_entry(n);
        auto const start = anywhere ? g.first_data_block : g.first_data_block + n * g.blocks_per_group;
        auto const end = anywhere ? g.blocks : std::min(g.blocks, start + g.blocks_per_group);
        auto inside = [&](std::uint32_t block, std::uint32_t count) {
            return block > g.first_data_block && block >= start && block < end && count <= end - block;
        };
        if (!inside(e.block_bitmap, 1) || !inside(e.inode_bitmap, 1) || !inside(e.inode_table, table)
            || e.block_bitmap == e.inode_bitmap) {
            log("<3>ext2 %s: the descriptor of group %u is damaged: run e2fsck on it", device_->name(), n);
            return Error::inval;
        }
        auto const here = std::min(g.blocks_per_group, g.blocks - (g.first_data_block + n * g.blocks_per_group));
        if (!anywhere && (e.free_blocks > here || e.free_inodes > g.inodes_per_group)) {
            log("<3>ext2 %s: group %u has more that is free than it has: run e2fsck on it", device_->name(), n);
            return Error::inval;
        }
        free_blocks_ += e.free_blocks;
        free_inodes_ += e.free_inodes;
    }
    return {};
}

Result<> Super::parse_options(std::string_view text)
{
    while (!text.empty()) {
        auto one = text.substr(0, text.find(','));
        text.remove_prefix(one.size() < text.size() ? one.size() + 1 : one.size());
        bool known = one.empty();
        for (std::string_view harmless :
             {"defaults", "rw", "ro", "user_xattr", "nouser_xattr", "acl", "noacl", "bsddf", "nouid32", "nogrpid",
              "barrier", "data=ordered", "relatime", "noload", "norecovery", "nocheck", "check=none"})
            known |= one == harmless;
        if (one.starts_with("errors=")) {
            known = true;
            auto how = one.substr(7);
            if (how != "continue" && how != "remount-ro" && how != "panic")
                return Error::inval;
            on_error_ = how == "panic" ? errors_panic : errors_read_only;
        }
        if (!known) {
            log("<4>ext2 %s: unknown mount option %.*s", device_->name(), static_cast<int>(one.size()), one.data());
            return Error::inval;
        }
    }
    return {};
}

Result<> Super::load(bool want_read_only, std::string_view text)
{
    auto raw = TRY(allocate_frame());
    auto const enough = device_->sectors() >= page_size / sector_bytes;
    auto got = enough ? device_->transfer(BlockOp::read, 0, raw, 0, page_size) : Result<>{Error::io};
    std::unique_ptr<DiskSuper> copy{new (std::nothrow) DiskSuper};
    if (got.ok() && copy)
        std::memcpy(copy.get(), static_cast<char *>(frame_address(raw)) + super_offset, sizeof *copy);
    unref_frame(raw);
    if (!got.ok()) {
        log("<3>ext2 %s: the super block cannot be read (error %d)", device_->name(), static_cast<int>(got.error()));
        return enough ? got : Result<>{Error::inval};
    }
    if (!copy)
        return Error::nomem;
    auto const &s = *copy;
    if (s.magic != super_magic) {
        log("<3>ext2 %s: not an ext2, or its super block is damaged: magic number %04x", device_->name(), s.magic);
        return Error::inval;
    }
    bool only_readable = false;
    TRY(check_features(s, only_readable));
    TRY(read_geometry(s));
    read_only = want_read_only || only_readable || device_->read_only();
    on_error_ = s.errors == errors_panic ? errors_panic : errors_read_only;
    reserved_blocks_ = s.reserved_blocks < geometry.blocks / 2 ? s.reserved_blocks : 0;
    TRY(parse_options(text));
    buffers.set_block_size(geometry.block_bytes);
    super_at_ = geometry.block_bytes == 1024 ? 0 : super_offset;
    super_buffer_ = TRY(buffers.read(geometry.first_data_block));
    auto const blocks = (geometry.groups + geometry.descriptors_per_block - 1) / geometry.descriptors_per_block;
    descriptors_.reset(new (std::nothrow) Ref<Buffer>[blocks]);
    if (!descriptors_)
        return Error::nomem;
    for (std::uint32_t i = 0; i < blocks; ++i)
        descriptors_[i] = TRY(buffers.read(geometry.first_data_block + 1 + i));
    TRY(check_groups());
    root_ = TRY(inode(root_inode));
    if (!root_->is_directory())
        return damaged("the root is not a directory, inode", root_inode);
    if ((s.state & state_clean) == 0)
        log("<4>ext2 %s: was not unmounted: e2fsck -p would look after it", device_->name());
    if ((s.state & state_errors) != 0)
        log("<4>ext2 %s: errors were found in it before: run e2fsck on it", device_->name());
    return {};
}

// What had no name any more when the machine stopped, in a list through the inodes (Linux's ext4 writes it).
void Super::recover_orphans()
{
    auto number = std::exchange(super().last_orphan, 0u);
    if (number == 0)
        return;
    buffers.mark(*super_buffer_, Stage::early);
    for (std::uint32_t i = 0; i < geometry.inodes && number != 0; ++i) {
        DiskInode *disk = nullptr;
        if (number > geometry.inodes || number < geometry.first_inode || find_node(number))
            return;
        auto buffer = inode_buffer(number, disk);
        if (!buffer.ok())
            return;
        auto const next = disk->dtime;
        if (disk->links == 0)
            adopt_orphan(number, *disk);
        number = next;
    }
}

Result<Ref<Super>> Super::open(Ref<BlockDevice> device, bool read_only, std::string_view options)
{
    auto fs = TRY(make_ref<Super>(std::move(device)));
    TRY(fs->device_->claim(fs.get()));
    fs->claimed_ = true;
    TRY(fs->device_->pages().write_and_wait());
    fs->device_->pages().invalidate(0, ~0u);
    TRY(fs->load(read_only, options));
    if (auto found = Entries{static_cast<Directory &>(*fs->root_)}.find("lost+found"); found.ok())
        fs->lost_found_ = found.value().entry()->inode;
    if (fs->read_only)
        return fs;
    TRY(fs->begin_writing());
    fs->recover_orphans();
    return fs;
}

Result<Ref<SuperBlock>> Super::mount(std::string_view source, unsigned flags, std::string_view options)
{
    auto device = TRY(block_device_at(source));
    bool const wants_reading = (flags & MS_RDONLY) != 0;
    struct Search {
        BlockDevice &device;
        Ref<SuperBlock> found;
    } search{*device, nullptr};
    for_each_mount(
        [](void *context, Mount &m) {
            auto &s = *static_cast<Search *>(context);
            bool const ours = std::strcmp(m.super->type_name(), "ext2") == 0;
            if (ours && &static_cast<Super &>(*m.super).disk() == &s.device)
                s.found = m.super;
            return !s.found;
        },
        &search);
    if (search.found)  // once more, somewhere else
        return search.found->read_only == wants_reading || wants_reading ? Result<Ref<SuperBlock>>{search.found}
                                                                         : Result<Ref<SuperBlock>>{Error::busy};
    if (!wants_reading && device->read_only())
        return Error::rofs;
    auto fs = TRY(open(std::move(device), wants_reading, options));
    if (!fs->read_only)
        TRY(fs->start_thread());
    return Ref<SuperBlock>{std::move(fs)};
}
REGISTER_FILE_SYSTEM(ext2_type, "ext2", true, Super::mount);
REGISTER_FILE_SYSTEM(ext3_type, "ext3", true, Super::mount);
REGISTER_FILE_SYSTEM(ext4_type, "ext4", true, Super::mount);
}  // namespace kernel::ext2
