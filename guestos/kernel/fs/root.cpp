// SPDX-License-Identifier: MIT
// A disk as the root, mounted by the kernel itself: for machines without an initrd.
#include <kernel/block/block_device.hpp>
#include <kernel/command_line.hpp>
#include <kernel/fs/fs_context.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/root.hpp>
#include <kernel/log.hpp>
#include <kernel/process/process.hpp>
#include <kernel/procfs/text.hpp>
#include <lib/format.hpp>
#include <linux/mount.h>

namespace kernel {
namespace {
[[noreturn]] void no_root(std::string_view name, char const *why)
{
    Text disks;
    for_each_block_device(
        [](void *context, BlockDevice &d) {
            if (d.sectors() != 0)
                static_cast<Text *>(context)->print(" %s", d.name());
            return true;
        },
        &disks);
    auto const list = disks.view();
    panic("root=%.*s %s; disks here:%.*s", static_cast<int>(name.size()), name.data(), why,
          static_cast<int>(list.size()), list.empty() ? "" : list.data());
}

Result<Ref<SuperBlock>> mount_as(std::string_view device, std::string_view type, unsigned flags)
{
    auto *fs = find_file_system(type);
    return fs ? fs->mount(device, flags, option_value("rootflags=")) : Result<Ref<SuperBlock>>{Error::nodev};
}

// /dev moves along, if the new root has a place for it.
void move_dev(Path const &new_root)
{
    auto old = resolve(at_fdcwd, "/dev", lookup_follow | lookup_directory);
    Ref<Mount> dev = old.ok() ? old.value().mount() : Ref<Mount>{};
    Dentry::invalidate(*new_root.dentry(), "dev");
    auto place = Dentry::lookup(*new_root.dentry(), "dev");
    bool const can = dev && dev->parent && place.ok() && place.value()->inode && place.value()->inode->is_directory();
    if (!can) {
        log("<4>the root has no folder /dev: devices have no names there");
        return;
    }
    old = Error::noent;
    detach_mount(*dev);
    attach_mount(std::move(dev), Path{new_root.mount(), place.take()});
}
}  // namespace

void mount_root_device()
{
    auto const name = option_value("root=");
    unsigned const flags = has_option("rw") ? 0u : unsigned{MS_RDONLY};
    auto type = option_value("rootfstype=");
    if (!resolve(at_fdcwd, name, lookup_follow).ok())
        no_root(name, "names no device");
    auto super = mount_as(name, type.empty() ? "ext2" : type.substr(0, type.find(',')), flags);
    if (!super.ok())
        no_root(name, "cannot be mounted");
    auto made = super.value();
    made->read_only |= flags != 0;
    auto mount = Mount::make(std::move(made), nullptr, name, flags);
    if (!mount.ok())
        no_root(name, "has no memory to be mounted");
    Path const root{mount.value(), mount.value()->root};
    move_dev(root);
    attach_mount(mount.take(), root_path());
    set_root_path(root);
    current().fs->root = current().fs->cwd = root;
    log("root: %.*s, %s", static_cast<int>(name.size()), name.data(),
        root.mount()->read_only() ? "read-only" : "read-write");
}
}  // namespace kernel
