// SPDX-License-Identifier: MIT
// Extended attributes are not offered (ENOTSUP), but images have them: a deleted inode's block of them, which inodes may share, is
// given up. Documentation/filesystems/ext4/attributes.
#include <kernel/fs/ext2/super.hpp>

namespace kernel::ext2 {
namespace {
struct DiskAttributeBlock {
    std::uint32_t magic, users, blocks, hash;
};
constexpr std::uint32_t attribute_magic = 0xea02'0000;
}  // namespace

void Super::release_attributes(Node &n)
{
    auto const block = std::exchange(n.file_acl, 0u);
    auto buffer = is_data_block(block) ? buffers.read(block) : Result<Ref<Buffer>>{Error::io};
    auto *header = buffer.ok() ? buffer.value()->at<DiskAttributeBlock>() : nullptr;
    if (!header || header->magic != attribute_magic || header->users == 0) {
        (void)damaged("an inode's block of attributes is none, at block", block);
        return;
    }
    auto const sectors = geometry.sectors_per_block();
    n.sectors = n.sectors > sectors ? n.sectors - sectors : 0;
    mark_dirty(n);
    if (--header->users != 0) {
        buffers.mark(*buffer.value(), Stage::mapping);
        return;
    }
    buffer = Error::io;
    buffers.forget(block);
    free_blocks(block, 1);
}
}  // namespace kernel::ext2
