// SPDX-License-Identifier: MIT
// Devices by number, and devtmpfs: the file system whose nodes the kernel makes.
//
// Drivers that are linked in stand in the section `devices`; what appears at run time (disks, terminals of no fixed number) is
// in a list beside it. Both kinds have their node in the one devtmpfs, wherever and however often that is mounted.
#include <cstring>
#include <kernel/fs/device.hpp>
#include <kernel/fs/devtmpfs.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <kernel/fs/tmpfs.hpp>
#include <kernel/lazy.hpp>
#include <lib/format.hpp>

extern "C" {
extern kernel::Device const __start_devices[], __stop_devices[];
}

namespace kernel {
namespace {
struct AddedDevice : boost::intrusive::list_base_hook<> {
    char name[32] = {};
    bool block = false;
    unsigned major = 0, minor = 0;
    Result<Ref<File>> (*open)(Inode &, unsigned minor, unsigned flags) = nullptr;
};
constinit Lazy<boost::intrusive::list<AddedDevice>> added;
constinit Lazy<Path> dev_root;  // keeps the file system for good

// "pts/0": the directory part is made as needed. Names are the kernel's own, so there are no links or dots in them.
Result<Ref<Dentry>> parent_of(std::string_view &name)
{
    auto dir = dev_root->dentry();
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/')) {
        auto part = name.substr(0, slash);
        name.remove_prefix(slash + 1);
        MutexGuard guard{dir->inode->mutex};
        auto next = TRY(Dentry::lookup_locked(*dir, part));
        if (!next->inode)
            next->created(TRY(dir->inode->make_directory(part, new_attributes(*dir->inode, s_ifdir | 0755))));
        dir = std::move(next);
    }
    return dir;
}

Result<> make_device_node(std::string_view name, bool block, unsigned major, unsigned minor, std::uint32_t mode)
{
    auto dir = TRY(parent_of(name));
    MutexGuard guard{dir->inode->mutex};
    auto dentry = TRY(Dentry::lookup_locked(*dir, name));
    if (dentry->inode)
        return Error::exist;
    auto a = new_attributes(*dir->inode, 0);
    a.mode = (block ? s_ifblk : s_ifchr) | mode;
    a.uid = a.gid = 0;
    a.rdev_major = major;
    a.rdev_minor = minor;
    dentry->created(TRY(dir->inode->create(name, a)));
    return {};
}

Result<> make_registered_nodes()
{
    for (auto *d = __start_devices; d != __stop_devices; ++d) {
        for (unsigned i = 0; d->name && i < d->count; ++i) {
            char name[32];
            auto length = format(name, sizeof name, d->count > 1 ? "%s%u" : "%s", d->name, i);
            if (auto *form = std::strchr(d->name, '%'); form)
                length = format(name, sizeof name, "%.*s%u%s", static_cast<int>(form - d->name), d->name, i, form + 2);
            TRY(make_device_node({name, static_cast<std::size_t>(length)}, d->block, d->major, d->minor + i, d->mode));
        }
    }
    return {};
}

Result<> make_links()
{
    constexpr char const *links[][2] = {{"fd", "/proc/self/fd"},
                                        {"stdin", "/proc/self/fd/0"},
                                        {"stdout", "/proc/self/fd/1"},
                                        {"stderr", "/proc/self/fd/2"}};
    auto &dir = *dev_root->inode();
    for (auto const &[name, target] : links)
        TRY(dir.symlink(name, target, new_attributes(dir, s_iflnk | 0777)));
    TRY(dir.make_directory("shm", new_attributes(dir, s_ifdir | 0755)));
    TRY(dir.make_directory("pts", new_attributes(dir, s_ifdir | 0755)));
    dir.lookup("shm").value()->attributes.mode |= 01777;
    return {};
}
}  // namespace

Result<> devtmpfs_init()
{
    TmpfsOptions o;
    o.mode = 0755;
    auto super = TRY(TmpfsSuper::make("devtmpfs", o));
    auto mount = TRY(Mount::make(super, nullptr, "devtmpfs", 0));
    auto root = mount->root;
    *dev_root = Path{std::move(mount), std::move(root)};
    TRY(make_links());
    return make_registered_nodes();
}

Result<Ref<File>> open_device(Inode &inode, unsigned flags)
{
    auto const major = inode.attributes.rdev_major, minor = inode.attributes.rdev_minor;
    bool const block = inode.type() == s_ifblk;
    for (auto &d : *added)
        if (d.block == block && d.major == major && d.minor == minor)
            return d.open(inode, minor, flags);
    for (auto *d = __start_devices; d != __stop_devices; ++d)
        if (d->block == block && d->major == major && minor >= d->minor && minor - d->minor < d->count)
            return d->open(inode, minor, flags);
    return Error::nxio;
}

Result<> add_device_node(char const *name, bool block, unsigned major, unsigned minor, std::uint32_t mode,
                         Result<Ref<File>> (*open)(Inode &, unsigned minor, unsigned flags))
{
    auto *d = new (std::nothrow) AddedDevice;
    if (!d)
        return Error::nomem;
    format(d->name, sizeof d->name, "%s", name);
    d->block = block;
    d->major = major;
    d->minor = minor;
    d->open = open;
    auto made = make_device_node(d->name, block, major, minor, mode);
    if (!made.ok()) {
        delete d;
        return made;
    }
    added->push_back(*d);
    return {};
}

void remove_device_node(char const *name)
{
    std::string_view rest{name};
    auto dir = parent_of(rest);
    if (dir.ok()) {
        MutexGuard guard{dir.value()->inode->mutex};
        auto dentry = Dentry::lookup_locked(*dir.value(), rest);
        if (dentry.ok() && dentry.value()->inode && dir.value()->inode->unlink(rest, *dentry.value()->inode).ok())
            dentry.value()->unlinked();
    }
    for (auto &d : *added) {
        if (std::strcmp(d.name, name) != 0)
            continue;
        added->erase(added->iterator_to(d));
        delete &d;
        return;
    }
}

static Result<Ref<SuperBlock>> mount_devtmpfs(std::string_view, unsigned, std::string_view)
{
    return dev_root->mount()->super;
}
REGISTER_FILE_SYSTEM(devtmpfs_type, "devtmpfs", false, mount_devtmpfs);
}  // namespace kernel
