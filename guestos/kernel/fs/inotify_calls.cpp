// SPDX-License-Identifier: MIT
// inotify_init, inotify_init1, inotify_add_watch, inotify_rm_watch.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/inotify_file.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
Result<std::int32_t> sys_inotify_init1(unsigned flags)
{
    if ((flags & ~(IN_CLOEXEC | IN_NONBLOCK)) != 0)
        return Error::inval;
    return install_file(make_inotify(flags & IN_NONBLOCK), (flags & IN_CLOEXEC) != 0);
}
Result<std::int32_t> sys_inotify_init() { return sys_inotify_init1(0); }

Result<std::int32_t> sys_inotify_add_watch(int fd, UserPtr<char const> user_path, std::uint32_t mask)
{
    constexpr std::uint32_t known = IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE
        | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED;
    if ((mask & known) == 0)
        return Error::inval;
    auto file = TRY(get_file(fd));
    if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE) || !file->as_inotify())
        return Error::inval;
    auto name = TRY(UserString::copy(user_path));
    unsigned lookup = (mask & IN_DONT_FOLLOW) != 0 ? 0u : unsigned{lookup_follow};
    lookup |= (mask & IN_ONLYDIR) != 0 ? unsigned{lookup_directory} : 0u;
    auto path = TRY(resolve(at_fdcwd, name.view(), lookup));
    TRY(check_access(*path.inode(), 4));
    return add_watch(*file->as_inotify(), path.inode(), mask);
}

Result<> sys_inotify_rm_watch(int fd, std::int32_t wd)
{
    auto file = TRY(get_file(fd));
    return file->as_inotify() ? remove_watch(*file->as_inotify(), wd) : Result<>{Error::inval};
}
}  // namespace

SYSCALL(inotify_init, 291, sys_inotify_init);
SYSCALL(inotify_add_watch, 292, sys_inotify_add_watch);
SYSCALL(inotify_rm_watch, 293, sys_inotify_rm_watch);
SYSCALL(inotify_init1, 332, sys_inotify_init1);
}  // namespace kernel
