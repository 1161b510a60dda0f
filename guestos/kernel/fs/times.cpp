// SPDX-License-Identifier: MIT
// utime, utimes, futimesat, utimensat in both widths of time.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/names.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
// utimensat(2): special values of the nanoseconds.
constexpr std::int64_t utime_now = (1l << 30) - 1, utime_omit = (1l << 30) - 2;
struct Time32 {
    std::int32_t seconds, fraction;
};  // struct timespec, timeval of i386
struct Time64 {
    std::int64_t seconds;
    std::int32_t nanoseconds, pad;
};
struct Utimbuf {
    std::int32_t access, modification;
};
static_assert(sizeof(Time64) == 16);

struct Wanted {
    std::int64_t seconds, nanoseconds;
    bool omit() const { return nanoseconds == utime_omit; }
    bool present() const { return nanoseconds == utime_now; }
    bool valid() const { return omit() || present() || (nanoseconds >= 0 && nanoseconds < 1'000'000'000); }
    TimeSpec time() const { return present() ? now() : TimeSpec{seconds, static_cast<std::uint32_t>(nanoseconds)}; }
};
struct Times {
    Wanted access{0, utime_now}, modification{0, utime_now};
};

Result<> change_times(Path const &path, Times const &t)
{
    if (!t.access.valid() || !t.modification.valid())
        return Error::inval;
    if (t.access.omit() && t.modification.omit())
        return {};
    auto inode = path.inode();
    if (!inode)
        return Error::acces;
    TRY(want_write(path));
    if (!is_owner(*inode)) {
        // Whoever may write may also say that it happened now.
        if (!t.access.present() || !t.modification.present())
            return Error::perm;
        TRY(check_access(*inode, 2));
    }
    auto changed = inode->attributes;
    changed.atime = t.access.time();
    changed.mtime = t.modification.time();
    changed.ctime = now();
    unsigned which = set_ctime;
    which |= t.access.omit() ? 0u : unsigned{set_atime};
    which |= t.modification.omit() ? 0u : unsigned{set_mtime};
    TRY(inode->set_attributes(changed, which));
    notify_path(path, IN_ATTRIB);
    return {};
}

Result<> change_at(int dirfd, UserPtr<char const> user_path, Times const &t, unsigned flags)
{
    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return Error::inval;
    if (!user_path && dirfd != at_fdcwd)  // futimens(3)
        return flags != 0 ? Result<>{Error::inval} : change_times(TRY(get_file(dirfd))->path, t);
    auto name = TRY(UserString::copy(user_path));
    unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0u : unsigned{lookup_follow};
    lookup |= (flags & AT_EMPTY_PATH) != 0 ? unsigned{lookup_empty} : 0u;
    return change_times(TRY(resolve(dirfd, name.view(), lookup)), t);
}

Result<> sys_utimensat(int dirfd, UserPtr<char const> path, UserPtr<Time32 const> times, unsigned flags)
{
    Times t;
    if (times) {
        auto a = TRY(times.read()), m = TRY((times + 1).read());
        t = {{a.seconds, a.fraction}, {m.seconds, m.fraction}};
    }
    return change_at(dirfd, path, t, flags);
}

Result<> sys_utimensat_time64(int dirfd, UserPtr<char const> path, UserPtr<Time64 const> times, unsigned flags)
{
    Times t;
    if (times) {
        auto a = TRY(times.read()), m = TRY((times + 1).read());
        t = {{a.seconds, a.nanoseconds}, {m.seconds, m.nanoseconds}};
    }
    return change_at(dirfd, path, t, flags);
}

Result<> sys_futimesat(int dirfd, UserPtr<char const> path, UserPtr<Time32 const> times)
{
    Times t;
    if (times) {
        auto a = TRY(times.read()), m = TRY((times + 1).read());
        constexpr std::int32_t million = 1'000'000;
        if (a.fraction < 0 || a.fraction >= million || m.fraction < 0 || m.fraction >= million)
            return Error::inval;
        t = {{a.seconds, a.fraction * 1000}, {m.seconds, m.fraction * 1000}};
    }
    return change_at(dirfd, path, t, 0);
}

Result<> sys_utimes(UserPtr<char const> path, UserPtr<Time32 const> times)
{
    return sys_futimesat(at_fdcwd, path, times);
}

Result<> sys_utime(UserPtr<char const> path, UserPtr<Utimbuf const> times)
{
    Times t;
    if (times) {
        auto u = TRY(times.read());
        t = {{u.access, 0}, {u.modification, 0}};
    }
    return change_at(at_fdcwd, path, t, 0);
}
}  // namespace

SYSCALL(utime, 30, sys_utime);
SYSCALL(utimes, 271, sys_utimes);
SYSCALL(futimesat, 299, sys_futimesat);
SYSCALL(utimensat, 320, sys_utimensat);
SYSCALL(utimensat_time64, 412, sys_utimensat_time64);
}  // namespace kernel
