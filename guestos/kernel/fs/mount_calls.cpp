// SPDX-License-Identifier: MIT
// mount(2) in all its meanings.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <linux/capability.h>
#include <linux/mount.h>

namespace kernel {
namespace {
constexpr unsigned per_mount = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME
    | MS_STRICTATIME | MS_SYNCHRONOUS;
constexpr unsigned propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

// A file goes on a file, a directory on a directory.
Result<> attach_checked(Ref<Mount> mount, Path where)
{
    where = topmost(std::move(where));
    if (where.dentry()->deleted)
        return Error::noent;
    if (mount->root->inode->is_directory() != where.inode()->is_directory())
        return Error::notdir;
    // The same file system on top of itself is a mistake, not a wish.
    if (where.mount()->super == mount->super && where.dentry() == where.mount()->root && mount->root == where.dentry())
        return Error::busy;
    attach_mount(std::move(mount), where);
    return {};
}

Result<> mount_new(std::string_view source, Path const &where, std::string_view type, unsigned flags,
                   std::string_view options)
{
    auto *fs = find_file_system(type);
    if (!fs)
        return Error::nodev;
    auto super = TRY(fs->mount(source, flags, options));
    if (super->mount_count == 0)
        super->read_only |= (flags & MS_RDONLY) != 0;  // a file system may find that it can only be read
    auto mount = TRY(
        Mount::make(std::move(super), nullptr, source.empty() ? std::string_view{"none"} : source, flags & per_mount));
    return attach_checked(std::move(mount), where);
}

Result<> bind(std::string_view source, Path const &where, bool recursive)
{
    auto from = TRY(resolve(at_fdcwd, source, lookup_follow));
    auto &m = *from.mount();
    auto top = TRY(Mount::make(m.super, from.dentry(), m.source(), m.flags));
    TRY(attach_checked(top, where));
    if (!recursive)
        return {};
    struct Copy {
        Mount &origin, &top;
        Path from;
        Result<> result;
    } copy{m, *top, from, {}};
    for_each_mount(
        [](void *context, Mount &inner) {
            auto &c = *static_cast<Copy *>(context);
            // Mounts below what was bound, one level: deeper ones sit on these and are found by the next step down.
            if (inner.parent.get() != &c.origin || !inner.mountpoint->is_below(*c.from.dentry()) || &inner == &c.top)
                return true;
            auto again = Mount::make(inner.super, inner.root, inner.source(), inner.flags);
            if (!again.ok())
                c.result = again.error();
            else
                attach_mount(again.take(), Path{Ref<Mount>{&c.top}, inner.mountpoint});
            return again.ok();
        },
        &copy);
    return copy.result;
}

bool is_mount_root(Path const &p) { return p.dentry() == p.mount()->root; }

Result<> move(std::string_view source, Path const &where)
{
    auto from = TRY(resolve(at_fdcwd, source, lookup_follow));
    auto m = from.mount();
    if (!is_mount_root(from) || !m->parent)
        return Error::inval;
    auto to = topmost(where);
    if (m->root->inode->is_directory() != to.inode()->is_directory())
        return Error::notdir;
    for (auto *up = to.mount().get(); up; up = up->parent.get())
        if (up == m.get())
            return Error::loop;
    from = {};
    detach_mount(*m);
    attach_mount(std::move(m), to);
    return {};
}

Result<> remount(Path const &where, unsigned flags, std::string_view options)
{
    if (!is_mount_root(where))
        return Error::inval;
    auto &m = *where.mount();
    if ((flags & MS_BIND) == 0) {
        TRY(m.super->remount(flags, options));
        m.super->read_only = (flags & MS_RDONLY) != 0;
    }
    m.flags = flags & per_mount;
    return {};
}

Result<UserString> optional_string(UserPtr<char const> from, std::size_t size)
{
    return from ? UserString::copy(from, size) : Result<UserString>{UserString{}};
}

Result<> sys_mount(UserPtr<char const> user_source, UserPtr<char const> user_target, UserPtr<char const> user_type,
                   unsigned flags, UserPtr<char const> user_options)
{
    constexpr unsigned magic = 0xc0ed'0000, magic_mask = 0xffff'0000;
    auto type = TRY(optional_string(user_type, page_size));
    auto source = TRY(optional_string(user_source, page_size));
    auto options = TRY(optional_string(user_options, page_size));
    auto target = TRY(UserString::copy(user_target));
    if ((flags & magic_mask) == magic)
        flags &= ~magic_mask;
    auto where = TRY(resolve(at_fdcwd, target.view(), lookup_follow));
    if (!current().credentials.has_cap(CAP_SYS_ADMIN))
        return Error::perm;
    if ((flags & MS_REMOUNT) != 0)
        return remount(where, flags, options.view());
    if ((flags & MS_BIND) != 0)
        return bind(source.view(), where, (flags & MS_REC) != 0);
    if ((flags & propagation) != 0)  // one namespace: there is nobody to propagate to
        return is_mount_root(where) ? Result<>{} : Result<>{Error::inval};
    if ((flags & MS_MOVE) != 0)
        return move(source.view(), where);
    if (!user_type)
        return Error::inval;
    return mount_new(source.view(), where, type.view(), flags, options.view());
}
}  // namespace

SYSCALL(mount, 21, sys_mount);
}  // namespace kernel
