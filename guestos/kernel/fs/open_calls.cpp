// SPDX-License-Identifier: MIT
// open, openat, openat2, creat, close, close_range, dup, dup2, dup3.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/open.hpp>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>

namespace kernel {
namespace {
Result<std::int32_t> open_from_user(int dirfd, UserPtr<char const> path, unsigned flags, std::uint32_t mode)
{
    auto name = TRY(UserString::copy(path));
    return install_file(open_path(dirfd, name.view(), flags, mode), (flags & O_CLOEXEC) != 0);
}

Result<std::int32_t> sys_openat(int dirfd, UserPtr<char const> path, unsigned flags, std::uint32_t mode)
{
    return open_from_user(dirfd, path, flags, mode);
}
Result<std::int32_t> sys_open(UserPtr<char const> path, unsigned flags, std::uint32_t mode)
{
    return open_from_user(at_fdcwd, path, flags, mode);
}
Result<std::int32_t> sys_creat(UserPtr<char const> path, std::uint32_t mode)
{
    return open_from_user(at_fdcwd, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

// open_how grows over time: bytes that we do not know must be zero (openat2(2), "Extensibility").
Result<open_how> copy_how(UserPtr<void> from, std::size_t size)
{
    constexpr std::size_t smallest = 24;  // OPEN_HOW_SIZE_VER0
    open_how how{};
    if (size < smallest)
        return Error::inval;
    if (size > page_size)
        return Error::too_big;
    TRY(copy_in(&how, from.address(), sizeof how < size ? sizeof how : size));
    for (std::size_t at = sizeof how; at < size; ++at) {
        char byte = 0;
        TRY(copy_in(&byte, from.address() + static_cast<std::uint32_t>(at), 1));
        if (byte != 0)
            return Error::too_big;
    }
    return how;
}

Result<> check_how(open_how const &how)
{
    constexpr std::uint64_t known = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC
        | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH
        | O_TMPFILE;
    constexpr std::uint64_t resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH
        | RESOLVE_IN_ROOT | RESOLVE_CACHED;
    bool const creates = (how.flags & (O_CREAT | __O_TMPFILE)) != 0;
    if ((how.flags & ~known) != 0 || (how.resolve & ~resolve) != 0)
        return Error::inval;
    if ((how.resolve & RESOLVE_BENEATH) != 0 && (how.resolve & RESOLVE_IN_ROOT) != 0)
        return Error::inval;
    if (creates ? (how.mode & ~07777ull) != 0 : how.mode != 0)
        return Error::inval;
    if ((how.flags & O_PATH) != 0 && (how.flags & ~(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) != 0)
        return Error::inval;
    return {};
}

Result<std::int32_t> sys_openat2(int dirfd, UserPtr<char const> path, UserPtr<void> user_how, std::size_t size)
{
    auto how = TRY(copy_how(user_how, size));
    TRY(check_how(how));
    auto name = TRY(UserString::copy(path));
    auto flags = static_cast<unsigned>(how.flags);
    if ((how.resolve & RESOLVE_CACHED) != 0)
        return Error::again;  // "would have to wait": always allowed
    Walk walk;
    walk.resolve = static_cast<unsigned>(how.resolve);
    TRY(walk.start(dirfd, name.view()));
    return install_file(open_walk(walk, flags, static_cast<std::uint32_t>(how.mode)), (flags & O_CLOEXEC) != 0);
}

Result<> sys_close(int fd) { return current().files->close(fd); }

Result<> sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    if (first > last || (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0)
        return Error::inval;
    if ((flags & CLOSE_RANGE_UNSHARE) != 0 && current().files->use_count() > 1)
        current().files = TRY(current().files->clone());
    current().files->close_range(first, last, (flags & CLOSE_RANGE_CLOEXEC) != 0);
    return {};
}

Result<std::int32_t> sys_dup(int fd) { return install_file(get_any_file(fd), false); }

Result<std::int32_t> sys_dup3(int from, int to, unsigned flags)
{
    if ((flags & ~static_cast<unsigned>(O_CLOEXEC)) != 0 || from == to)
        return Error::inval;
    auto file = TRY(get_any_file(from));
    return current().files->install_at(to, std::move(file), (flags & O_CLOEXEC) != 0);
}

Result<std::int32_t> sys_dup2(int from, int to)
{
    if (from != to)
        return sys_dup3(from, to, 0);
    TRY(get_any_file(from));
    return to;
}
}  // namespace

SYSCALL(open, 5, sys_open);
SYSCALL(close, 6, sys_close);
SYSCALL(creat, 8, sys_creat);
SYSCALL(dup, 41, sys_dup);
SYSCALL(dup2, 63, sys_dup2);
SYSCALL(openat, 295, sys_openat);
SYSCALL(dup3, 330, sys_dup3);
SYSCALL(close_range, 436, sys_close_range);
SYSCALL(openat2, 437, sys_openat2);
}  // namespace kernel
