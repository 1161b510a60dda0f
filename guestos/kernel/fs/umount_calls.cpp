// SPDX-License-Identifier: MIT
// umount, umount2, pivot_root; sysfs(2), the calls that only say no.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/mount.hpp>
#include <linux/capability.h>

namespace kernel {
namespace {
constexpr unsigned mnt_force = 1, mnt_detach = 2, mnt_expire = 4, umount_nofollow = 8;

bool is_mount_root(Path const &p) { return p.dentry() == p.mount()->root; }

bool may_mount() { return current().credentials.has_cap(CAP_SYS_ADMIN); }

// MNT_DETACH: the mount and all below it leave the tree now, and end when the last path into them is gone.
void detach_tree(Mount &top)
{
    while (top.children != 0) {
        Ref<Mount> leaf;
        struct Search {
            Mount &top;
            Ref<Mount> &leaf;
        } search{top, leaf};
        for_each_mount(
            [](void *context, Mount &m) {
                auto &s = *static_cast<Search *>(context);
                auto *up = &m;
                while (up && up != &s.top)
                    up = up->parent.get();
                if (up && &m != &s.top && m.children == 0)
                    s.leaf = Ref<Mount>{&m};
                return !s.leaf;
            },
            &search);
        detach_mount(*leaf);
    }
    detach_mount(top);
}

Result<> unmount(Path path, unsigned flags)
{
    auto m = path.mount();
    if (!is_mount_root(path) || !m->attached)
        return Error::inval;
    if (!m->parent)
        return Error::busy;  // the first mount holds everything else
    path = {};
    if ((flags & mnt_detach) != 0) {
        detach_tree(*m);
        return {};
    }
    constexpr unsigned ours = 2;  // the table's reference and `m`
    if (m->children != 0 || m->use_count() > ours) {
        m->expiring = false;
        return Error::busy;
    }
    if ((flags & mnt_expire) != 0 && !std::exchange(m->expiring, true))
        return Error::again;
    TRY(m->super->sync());
    detach_mount(*m);
    return {};
}

Result<> sys_umount2(UserPtr<char const> user_target, unsigned flags)
{
    if ((flags & ~(mnt_force | mnt_detach | mnt_expire | umount_nofollow)) != 0)
        return Error::inval;
    if ((flags & mnt_expire) != 0 && (flags & (mnt_force | mnt_detach)) != 0)
        return Error::inval;
    auto target = TRY(UserString::copy(user_target));
    auto path = TRY(resolve(at_fdcwd, target.view(), (flags & umount_nofollow) != 0 ? 0u : unsigned{lookup_follow}));
    if (!may_mount())
        return Error::perm;
    return unmount(std::move(path), flags);
}
Result<> sys_umount(UserPtr<char const> target) { return sys_umount2(target, 0); }

void replace(Path &p, Path const &from, Path const &to)
{
    if (p.mount() == from.mount() && p.dentry() == from.dentry())
        p = to;
}

// Everybody whose root or working directory was the old root moves along.
void move_roots(Path const &from, Path const &to)
{
    struct Move {
        Path const &from, &to;
    } move{from, to};
    for_each_process(
        [](void *context, Process &process) {
            for_each_thread(
                process,
                [](void *inner, Thread &thread) {
                    auto &m = *static_cast<Move *>(inner);
                    if (thread.fs) {
                        replace(thread.fs->root, m.from, m.to);
                        replace(thread.fs->cwd, m.from, m.to);
                    }
                    return true;
                },
                context);
            return true;
        },
        &move);
}

Result<> sys_pivot_root(UserPtr<char const> user_new, UserPtr<char const> user_old)
{
    auto new_name = TRY(UserString::copy(user_new)), old_name = TRY(UserString::copy(user_old));
    auto new_root = TRY(resolve(at_fdcwd, new_name.view(), lookup_follow | lookup_directory));
    auto put_old = TRY(resolve(at_fdcwd, old_name.view(), lookup_follow | lookup_directory));
    if (!may_mount())
        return Error::perm;
    auto const old_root = current().fs->root;
    auto m = new_root.mount(), old = old_root.mount();
    if (!is_mount_root(new_root) || !is_mount_root(old_root) || !m->parent || !old->parent)
        return Error::inval;  // the first mount stays where it is: pivot_root(2), NOTES
    if (m == old || put_old.mount() == old)
        return Error::busy;
    for (auto *up = put_old.mount().get(); up != m.get(); up = up->parent.get())
        if (!up)
            return Error::inval;  // put_old is not below new_root
    Path const where{old->parent, old->mountpoint};
    detach_mount(*m);
    detach_mount(*old);
    attach_mount(m, where);
    attach_mount(old, put_old);
    move_roots(old_root, new_root);
    return {};
}

// sysfs(2): file system types by number and by name.
Result<std::int32_t> sys_sysfs(unsigned option, std::uint32_t first, std::uint32_t second)
{
    switch (option) {
    case 1: {
        auto name = TRY(UserString::copy(UserPtr<char const>{first}));
        for (unsigned i = 0; auto *type = file_system_at(i); ++i)
            if (name.view() == type->name)
                return static_cast<std::int32_t>(i);
        return Error::inval;
    }
    case 2: {
        auto *type = file_system_at(first);
        if (!type)
            return Error::inval;
        TRY(copy_out(Vaddr{second}, type->name, std::string_view{type->name}.size() + 1));
        return 0;
    }
    case 3: {
        unsigned n = 0;
        while (file_system_at(n))
            ++n;
        return static_cast<std::int32_t>(n);
    }
    default: return Error::inval;
    }
}

// File handles need a file system that can find inodes by number across reboots; quotas one that counts them.
Result<> sys_name_to_handle_at(int, UserPtr<char const>, UserPtr<void>, UserPtr<void>, unsigned flags)
{
    constexpr unsigned known = 0x1400;  // AT_SYMLINK_FOLLOW, AT_EMPTY_PATH
    return (flags & ~known) != 0 ? Error::inval : Error::opnotsupp;
}
}  // namespace

SYSCALL(umount, 22, sys_umount);
SYSCALL(umount2, 52, sys_umount2);
SYSCALL(sysfs, 135, sys_sysfs);
SYSCALL(pivot_root, 217, sys_pivot_root);
SYSCALL(name_to_handle_at, 341, sys_name_to_handle_at);
}  // namespace kernel
