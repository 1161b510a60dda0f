// SPDX-License-Identifier: MIT
// flock, and fcntl's record locks with both widths of struct flock.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/lock_calls.hpp>
#include <kernel/fs/locks.hpp>
#include <linux/fcntl.h>
#include <linux/fs.h>

namespace kernel {
namespace {
static_assert(sizeof(struct flock) == 16 && sizeof(struct flock64) == 24);

template <class Flock>
Result<flock64> read_flock(std::uint32_t argument)
{
    auto f = TRY(UserPtr<Flock>{argument}.read());
    flock64 wide{};
    wide.l_type = f.l_type;
    wide.l_whence = f.l_whence;
    wide.l_start = f.l_start;
    wide.l_len = f.l_len;
    wide.l_pid = f.l_pid;
    return wide;
}

template <class Flock>
Result<> write_flock(std::uint32_t argument, flock64 const &wide)
{
    Flock f{};
    f.l_type = wide.l_type;
    f.l_whence = wide.l_whence;
    f.l_start = static_cast<decltype(f.l_start)>(wide.l_start);
    f.l_len = static_cast<decltype(f.l_len)>(wide.l_len);
    f.l_pid = wide.l_pid;
    if (f.l_start != wide.l_start || f.l_len != wide.l_len)
        return Error::overflow;
    return UserPtr<Flock>{argument}.write(f);
}

Result<LockRange> range_of(File &file, flock64 const &f)
{
    std::int64_t base = 0;
    switch (f.l_whence) {
    case SEEK_SET: break;
    case SEEK_CUR: base = static_cast<std::int64_t>(file.position); break;
    case SEEK_END: base = static_cast<std::int64_t>(TRY(file.end_position())); break;
    default: return Error::inval;
    }
    std::int64_t start = 0, end = 0;
    if (__builtin_add_overflow(base, std::int64_t{f.l_start}, &start))
        return Error::overflow;
    if (start < 0)
        return Error::inval;
    if (f.l_len == 0)
        return LockRange{static_cast<std::uint64_t>(start), lock_to_eof};
    if (f.l_len > 0) {
        if (__builtin_add_overflow(start, f.l_len - 1, &end))
            return Error::overflow;
    } else {  // the bytes before start
        end = start - 1;
        start += f.l_len;
        if (start < 0)
            return Error::inval;
    }
    return LockRange{static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(end)};
}

Result<LockRequest> request_of(File &file, flock64 const &f, bool description)
{
    LockRequest r{};
    switch (f.l_type) {
    case F_RDLCK: r.type = LockType::read; break;
    case F_WRLCK: r.type = LockType::write; break;
    case F_UNLCK: r.type = LockType::unlock; break;
    default: return Error::inval;
    }
    r.kind = description ? LockKind::description : LockKind::process;
    r.range = TRY(range_of(file, f));
    r.owner = description ? static_cast<void const *>(&file) : current().files.get();
    r.pid = description ? -1 : current_process().pid;
    return r;
}

Result<> get_lock(File &file, flock64 &f, LockRequest const &wanted)
{
    if (wanted.type == LockType::unlock)
        return Error::inval;
    LockRequest found{};
    if (!find_conflict(*file.inode(), wanted, found)) {
        f.l_type = F_UNLCK;
        return {};
    }
    f.l_type = found.type == LockType::read ? F_RDLCK : F_WRLCK;
    f.l_whence = SEEK_SET;
    f.l_start = static_cast<std::int64_t>(found.range.start);
    f.l_len = found.range.end == lock_to_eof ? 0 : static_cast<std::int64_t>(found.range.end - found.range.start + 1);
    f.l_pid = found.pid;
    return {};
}

template <class Flock>
Result<std::int32_t> lock_with(int fd, File &file, std::uint32_t argument, bool description, bool get, bool wait)
{
    auto f = TRY(read_flock<Flock>(argument));
    if (description && f.l_pid != 0)
        return Error::inval;
    auto inode = file.inode();
    if (!inode)
        return Error::badf;
    auto request = TRY(request_of(file, f, description));
    if (get) {
        TRY(get_lock(file, f, request));
        TRY(write_flock<Flock>(argument, f));
        return 0;
    }
    if ((request.type == LockType::read && !file.readable()) || (request.type == LockType::write && !file.writable()))
        return Error::badf;
    TRY(set_lock(*inode, request, wait));
    // Another thread may have closed the descriptor while we waited: then nobody would ever give the lock up.
    auto still = current().files->get(fd);
    if (!description && !(still.ok() && still.value().get() == &file))
        release_process_locks(*inode, current().files.get());
    return 0;
}

Result<> sys_flock(int fd, unsigned operation)
{
    constexpr unsigned lock_sh = 1, lock_ex = 2, lock_nb = 4, lock_un = 8;
    auto file = TRY(get_file(fd));
    LockRequest r{LockKind::flock, LockType::unlock, {0, lock_to_eof}, file.get(), current_process().pid};
    switch (operation & ~lock_nb) {
    case lock_sh: r.type = LockType::read; break;
    case lock_ex: r.type = LockType::write; break;
    case lock_un: break;
    default: return Error::inval;
    }
    auto inode = file->inode();
    if (!inode)
        return Error::badf;
    return set_lock(*inode, r, (operation & lock_nb) == 0);
}
}  // namespace

Result<std::int32_t> lock_control(int fd, File &file, unsigned command, std::uint32_t argument)
{
    switch (command) {
    case F_GETLK: return lock_with<struct flock>(fd, file, argument, false, true, false);
    case F_SETLK: return lock_with<struct flock>(fd, file, argument, false, false, false);
    case F_SETLKW: return lock_with<struct flock>(fd, file, argument, false, false, true);
    case F_GETLK64: return lock_with<flock64>(fd, file, argument, false, true, false);
    case F_SETLK64: return lock_with<flock64>(fd, file, argument, false, false, false);
    case F_SETLKW64: return lock_with<flock64>(fd, file, argument, false, false, true);
    case F_OFD_GETLK: return lock_with<flock64>(fd, file, argument, true, true, false);
    case F_OFD_SETLK: return lock_with<flock64>(fd, file, argument, true, false, false);
    case F_OFD_SETLKW: return lock_with<flock64>(fd, file, argument, true, false, true);
    default: return Error::inval;
    }
}

SYSCALL(flock, 143, sys_flock);
}  // namespace kernel
