// SPDX-License-Identifier: MIT
// link, symlink, unlink, rename, mkdir, rmdir, mknod and their *at forms.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <linux/capability.h>
#include <linux/fcntl.h>

namespace kernel {
namespace {
using String = UserPtr<char const>;

Result<> sys_linkat(int old_dirfd, String old_path, int new_dirfd, String new_path, unsigned flags)
{
    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
        return Error::inval;
    auto from = TRY(UserString::copy(old_path));
    auto to = TRY(UserString::copy(new_path));
    if (from.view().empty() && (flags & AT_EMPTY_PATH) != 0 && !current().credentials.has_cap(CAP_DAC_READ_SEARCH))
        return Error::noent;
    unsigned lookup = (flags & AT_SYMLINK_FOLLOW) != 0 ? unsigned{lookup_follow} : 0u;
    lookup |= (flags & AT_EMPTY_PATH) != 0 ? unsigned{lookup_empty} : 0u;
    return create_link(TRY(resolve(old_dirfd, from.view(), lookup)), new_dirfd, to.view());
}
Result<> sys_link(String from, String to) { return sys_linkat(at_fdcwd, from, at_fdcwd, to, 0); }

Result<> sys_symlinkat(String user_target, int dirfd, String user_path)
{
    auto target = TRY(UserString::copy(user_target));
    auto path = TRY(UserString::copy(user_path));
    if (target.view().empty())
        return Error::noent;
    auto made = create_symlink(dirfd, path.view(), target.view());
    return made.ok() ? Result<>{} : Result<>{made.error()};
}
Result<> sys_symlink(String target, String path) { return sys_symlinkat(target, at_fdcwd, path); }

Result<> sys_unlinkat(int dirfd, String user_path, unsigned flags)
{
    if ((flags & ~static_cast<unsigned>(AT_REMOVEDIR)) != 0)
        return Error::inval;
    auto path = TRY(UserString::copy(user_path));
    return (flags & AT_REMOVEDIR) != 0 ? remove_directory(dirfd, path.view()) : remove_name(dirfd, path.view());
}
Result<> sys_unlink(String path) { return sys_unlinkat(at_fdcwd, path, 0); }
Result<> sys_rmdir(String path) { return sys_unlinkat(at_fdcwd, path, AT_REMOVEDIR); }

Result<> sys_renameat2(int old_dirfd, String old_path, int new_dirfd, String new_path, unsigned flags)
{
    auto from = TRY(UserString::copy(old_path));
    auto to = TRY(UserString::copy(new_path));
    return rename(old_dirfd, from.view(), new_dirfd, to.view(), flags);
}
Result<> sys_renameat(int old_dirfd, String old_path, int new_dirfd, String new_path)
{
    return sys_renameat2(old_dirfd, old_path, new_dirfd, new_path, 0);
}
Result<> sys_rename(String old_path, String new_path)
{
    return sys_renameat2(at_fdcwd, old_path, at_fdcwd, new_path, 0);
}

Result<> sys_mkdirat(int dirfd, String user_path, std::uint32_t mode)
{
    auto path = TRY(UserString::copy(user_path));
    auto made = create_directory(dirfd, path.view(), mode);
    return made.ok() ? Result<>{} : Result<>{made.error()};
}
Result<> sys_mkdir(String path, std::uint32_t mode) { return sys_mkdirat(at_fdcwd, path, mode); }

Result<> sys_mknodat(int dirfd, String user_path, std::uint32_t mode, std::uint32_t device)
{
    auto type = mode & s_ifmt;
    if (type == 0)
        type = s_ifreg;
    if (type == s_ifdir)
        return Error::perm;
    if (type != s_ifreg && type != s_ifchr && type != s_ifblk && type != s_ififo && type != s_ifsock)
        return Error::inval;
    bool const node = type == s_ifchr || type == s_ifblk;
    auto path = TRY(UserString::copy(user_path));
    if (node && !current().credentials.has_cap(CAP_MKNOD))
        return Error::perm;
    unsigned const major = node ? device >> 8 & 0xfff : 0;
    unsigned const minor = node ? (device & 0xff) | (device >> 12 & 0xfff00) : 0;
    auto made = create_node(dirfd, path.view(), type | (mode & 07777), major, minor);
    return made.ok() ? Result<>{} : Result<>{made.error()};
}
Result<> sys_mknod(String path, std::uint32_t mode, std::uint32_t device)
{
    return sys_mknodat(at_fdcwd, path, mode, device);
}
}  // namespace

SYSCALL(link, 9, sys_link);
SYSCALL(unlink, 10, sys_unlink);
SYSCALL(mknod, 14, sys_mknod);
SYSCALL(rename, 38, sys_rename);
SYSCALL(mkdir, 39, sys_mkdir);
SYSCALL(rmdir, 40, sys_rmdir);
SYSCALL(symlink, 83, sys_symlink);
SYSCALL(mkdirat, 296, sys_mkdirat);
SYSCALL(mknodat, 297, sys_mknodat);
SYSCALL(unlinkat, 301, sys_unlinkat);
SYSCALL(renameat, 302, sys_renameat);
SYSCALL(linkat, 303, sys_linkat);
SYSCALL(symlinkat, 304, sys_symlinkat);
SYSCALL(renameat2, 353, sys_renameat2);
}  // namespace kernel
