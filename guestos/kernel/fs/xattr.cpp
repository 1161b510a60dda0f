// SPDX-License-Identifier: MIT
// Extended attributes: the checks that hold for every file system, then the inode's own answer.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/xattr.h>

namespace kernel {
namespace {
using String = UserPtr<char const>;
struct Target {
    unsigned lookup;
};
constexpr Target follow{lookup_follow}, nofollow{0};

Result<Path> object(String user_path, Target t)
{
    auto name = TRY(UserString::copy(user_path));
    return resolve(at_fdcwd, name.view(), t.lookup);
}
Result<Path> object(int fd)
{
    auto path = TRY(get_file(fd))->path;
    return path.empty() ? Result<Path>{Error::opnotsupp} : Result<Path>{path};
}

Result<UserString> attribute_name(String user)
{
    auto name = UserString::copy(user, XATTR_NAME_MAX + 1);
    if (!name.ok())
        return name.error() == Error::nametoolong ? Error::range : name.error();
    return name.value().view().empty() ? Result<UserString>{Error::range} : std::move(name);
}

// xattr(7): user.* only on files and directories, trusted.* only for the privileged.
Result<> check_name(Inode &inode, std::string_view name, bool write)
{
    if (name.starts_with("trusted."))
        return current().credentials.has_cap(CAP_SYS_ADMIN) ? Result<>{} : Result<>{write ? Error::perm : Error::nodata};
    if (name.starts_with("user.")) {
        if (inode.type() != s_ifreg && !inode.is_directory())
            return write ? Error::perm : Error::nodata;
        if (write && (inode.attributes.mode & s_isvtx) != 0 && inode.is_directory() && !is_owner(inode))
            return Error::perm;
        return check_access(inode, write ? 2 : 4);
    }
    if (write && !is_owner(inode))
        return Error::perm;
    return {};
}

Result<> set(Path const &path, String user_name, UserPtr<void const> value, std::uint32_t size, unsigned flags)
{
    if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0)
        return Error::inval;
    auto name = TRY(attribute_name(user_name));
    if (size > XATTR_SIZE_MAX)
        return Error::too_big;
    std::unique_ptr<char[]> bytes{new (std::nothrow) char[size + 1]};
    if (!bytes)
        return Error::nomem;
    TRY(copy_in(bytes.get(), value.address(), size));
    auto inode = path.inode();
    TRY(want_write(path));
    TRY(check_name(*inode, name.view(), true));
    TRY(inode->set_xattr(name.view(), bytes.get(), size, flags));
    notify_path(path, IN_ATTRIB);
    return {};
}

// get and list: the answer goes through a buffer of the size the caller has, 64 KiB at most.
template <class Ask>
Result<std::size_t> fetch(UserPtr<char> to, std::uint32_t size, Ask ask)
{
    if (size > XATTR_SIZE_MAX)
        size = XATTR_SIZE_MAX;
    std::unique_ptr<char[]> bytes{new (std::nothrow) char[size + 1]};
    if (!bytes)
        return Error::nomem;
    auto n = TRY(ask(bytes.get(), std::size_t{size}));
    if (size != 0)
        TRY(copy_out(to.address(), bytes.get(), n));
    return n;
}

Result<std::size_t> get(Path const &path, String user_name, UserPtr<char> value, std::uint32_t size)
{
    auto name = TRY(attribute_name(user_name));
    auto inode = path.inode();
    TRY(check_name(*inode, name.view(), false));
    return fetch(value, size, [&](char *to, std::size_t n) { return inode->get_xattr(name.view(), to, n); });
}
Result<std::size_t> list(Path const &path, UserPtr<char> names, std::uint32_t size)
{
    auto inode = path.inode();
    return fetch(names, size, [&](char *to, std::size_t n) { return inode->list_xattrs(to, n); });
}
Result<> remove(Path const &path, String user_name)
{
    auto name = TRY(attribute_name(user_name));
    auto inode = path.inode();
    TRY(want_write(path));
    TRY(check_name(*inode, name.view(), true));
    TRY(inode->remove_xattr(name.view()));
    notify_path(path, IN_ATTRIB);
    return {};
}

Result<> sys_setxattr(String path, String name, UserPtr<void const> value, std::uint32_t size, unsigned flags)
{
    return set(TRY(object(path, follow)), name, value, size, flags);
}
Result<> sys_lsetxattr(String path, String name, UserPtr<void const> value, std::uint32_t size, unsigned flags)
{
    return set(TRY(object(path, nofollow)), name, value, size, flags);
}
Result<> sys_fsetxattr(int fd, String name, UserPtr<void const> value, std::uint32_t size, unsigned flags)
{
    return set(TRY(object(fd)), name, value, size, flags);
}
Result<std::size_t> sys_getxattr(String path, String name, UserPtr<char> value, std::uint32_t size)
{
    return get(TRY(object(path, follow)), name, value, size);
}
Result<std::size_t> sys_lgetxattr(String path, String name, UserPtr<char> value, std::uint32_t size)
{
    return get(TRY(object(path, nofollow)), name, value, size);
}
Result<std::size_t> sys_fgetxattr(int fd, String name, UserPtr<char> value, std::uint32_t size)
{
    return get(TRY(object(fd)), name, value, size);
}
Result<std::size_t> sys_listxattr(String path, UserPtr<char> names, std::uint32_t size)
{
    return list(TRY(object(path, follow)), names, size);
}
Result<std::size_t> sys_llistxattr(String path, UserPtr<char> names, std::uint32_t size)
{
    return list(TRY(object(path, nofollow)), names, size);
}
Result<std::size_t> sys_flistxattr(int fd, UserPtr<char> names, std::uint32_t size)
{
    return list(TRY(object(fd)), names, size);
}
Result<> sys_removexattr(String path, String name) { return remove(TRY(object(path, follow)), name); }
Result<> sys_lremovexattr(String path, String name) { return remove(TRY(object(path, nofollow)), name); }
Result<> sys_fremovexattr(int fd, String name) { return remove(TRY(object(fd)), name); }
}  // namespace

SYSCALL(setxattr, 226, sys_setxattr);
SYSCALL(lsetxattr, 227, sys_lsetxattr);
SYSCALL(fsetxattr, 228, sys_fsetxattr);
SYSCALL(getxattr, 229, sys_getxattr);
SYSCALL(lgetxattr, 230, sys_lgetxattr);
SYSCALL(fgetxattr, 231, sys_fgetxattr);
SYSCALL(listxattr, 232, sys_listxattr);
SYSCALL(llistxattr, 233, sys_llistxattr);
SYSCALL(flistxattr, 234, sys_flistxattr);
SYSCALL(removexattr, 235, sys_removexattr);
SYSCALL(lremovexattr, 236, sys_lremovexattr);
SYSCALL(fremovexattr, 237, sys_fremovexattr);
}  // namespace kernel
