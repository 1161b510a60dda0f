// SPDX-License-Identifier: MIT
#include <kernel/fs/calls.hpp>
#include <kernel/fs/memfd.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/open.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/lazy.hpp>
#include <kernel/memory/mman.hpp>
#include <lib/format.hpp>
#include <linux/fcntl.h>
#include <linux/memfd.h>

namespace kernel {
namespace {
constinit Lazy<Ref<Mount>> memory_mount;  // attached nowhere

Result<> make_mount()
{
    if (*memory_mount)
        return {};
    *memory_mount = TRY(Mount::make(TRY(TmpfsSuper::make("tmpfs", {})), nullptr, "tmpfs", 0));
    return {};
}

TmpfsFile *sealable(File &file)
{
    auto inode = file.inode();
    bool const ours = *memory_mount && inode && &inode->super == (*memory_mount)->super.get();
    return ours && inode->type() == s_ifreg ? static_cast<TmpfsFile *>(inode.get()) : nullptr;
}

bool mapped_for_writing(MemoryObject &pages)
{
    for (auto &hook : pages.mappers()) {
        auto &region = static_cast<Region &>(hook);
        if (region.has(Region::shared) && (region.prot & page_write) != 0)
            return true;
    }
    return false;
}

Result<std::int32_t> sys_memfd_create(UserPtr<char const> user_name, unsigned flags)
{
    constexpr std::size_t user_name_max = name_max - 6;
    if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING)) != 0)
        return Error::inval;
    auto given = UserString::copy(user_name, user_name_max + 1);
    if (!given.ok())
        return given.error() == Error::nametoolong ? Error::inval : given.error();
    TRY(make_mount());
    auto &mount = *memory_mount;
    char name[name_max + 1];
    auto length = format(name, sizeof name, "memfd:%s", given.value().c_str());
    auto attributes = new_attributes(*mount->root->inode, s_ifreg);
    attributes.mode = s_ifreg | 0777;
    auto inode = TRY(mount->root->inode->temporary(attributes));
    static_cast<TmpfsFile &>(*inode).tmpfs_pages().seals = (flags & MFD_ALLOW_SEALING) != 0 ? 0u : unsigned{F_SEAL_SEAL};
    auto dentry = TRY(Dentry::make(nullptr, {name, static_cast<std::size_t>(length)}, std::move(inode)));
    dentry->deleted = true;
    return install_file(open_object(Path{mount, std::move(dentry)}, O_RDWR | O_LARGEFILE, true),
                        (flags & MFD_CLOEXEC) != 0);
}
}  // namespace

Result<std::int32_t> add_seals(File &file, std::uint32_t seals)
{
    constexpr std::uint32_t known = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    auto *inode = sealable(file);
    if (!inode || (seals & ~known) != 0)
        return Error::inval;
    if (!file.writable() || (inode->tmpfs_pages().seals & F_SEAL_SEAL) != 0)
        return Error::perm;
    if ((seals & F_SEAL_WRITE) != 0 && mapped_for_writing(inode->pages()))
        return Error::busy;
    inode->tmpfs_pages().seals |= seals;
    return 0;
}

Result<std::int32_t> get_seals(File &file)
{
    auto *inode = sealable(file);
    return inode ? Result<std::int32_t>{static_cast<std::int32_t>(inode->tmpfs_pages().seals)}
                 : Result<std::int32_t>{Error::inval};
}

SYSCALL(memfd_create, 356, sys_memfd_create);
}  // namespace kernel
