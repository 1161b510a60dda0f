// SPDX-License-Identifier: MIT
// fcntl, fcntl64: descriptors, flags, owners, pipe sizes, seals. The locks are in lock_calls.cpp.
#include <kernel/fs/calls.hpp>
#include <kernel/fs/lock_calls.hpp>
#include <kernel/fs/memfd.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
constexpr unsigned settable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC;

Result<std::int32_t> set_descriptor_flags(int fd, std::uint32_t flags)
{
    TRY(current().files->set_cloexec(fd, (flags & FD_CLOEXEC) != 0));
    return 0;
}

Result<std::int32_t> duplicate(Ref<File> file, std::uint32_t lowest, bool close_on_exec)
{
    if (lowest >= current_process().limits[limit_nofile].soft || lowest > FdTable::max_descriptors)
        return Error::inval;
    return current().files->install(std::move(file), close_on_exec, static_cast<int>(lowest));
}

Result<std::int32_t> set_owner(File &file, std::int32_t pid)
{
    // A negative number names a process group.
    if (pid > 0 && !find_process(pid) && !find_thread(pid))
        return Error::srch;
    file.owner_pid = pid;
    return 0;
}

Result<std::int32_t> set_owner_ex(File &file, std::uint32_t argument)
{
    auto owner = TRY(UserPtr<f_owner_ex>{argument}.read());
    if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP)
        return Error::inval;
    return set_owner(file, owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid);
}

Result<std::int32_t> get_owner_ex(File const &file, std::uint32_t argument)
{
    f_owner_ex owner{};
    owner.type = file.owner_pid < 0 ? F_OWNER_PGRP : F_OWNER_PID;
    owner.pid = file.owner_pid < 0 ? -file.owner_pid : file.owner_pid;
    TRY(UserPtr<f_owner_ex>{argument}.write(owner));
    return 0;
}

Result<std::int32_t> set_signal(File &file, std::uint32_t signal)
{
    if (signal > 64)
        return Error::inval;
    file.owner_signal = static_cast<std::int32_t>(signal);
    return 0;
}

Result<std::int32_t> control(int fd, Ref<File> const &file, unsigned command, std::uint32_t argument)
{
    switch (command) {
    case F_GETFL: return static_cast<std::int32_t>(file->flags);
    case F_SETFL: TRY(file->set_flags((file->flags & ~settable) | (argument & settable))); return 0;
    case F_SETOWN: return set_owner(*file, static_cast<std::int32_t>(argument));
    case F_GETOWN: return file->owner_pid;
    case F_SETSIG: return set_signal(*file, argument);
    case F_GETSIG: return file->owner_signal;
    case F_SETOWN_EX: return set_owner_ex(*file, argument);
    case F_GETOWN_EX: return get_owner_ex(*file, argument);
    case F_SETPIPE_SZ: return argument == 0 ? Error::inval : file->pipe_capacity(argument);
    case F_GETPIPE_SZ: return file->pipe_capacity(0);
    case F_GETLEASE: return std::int32_t{F_UNLCK};
    case F_ADD_SEALS: return add_seals(*file, argument);
    case F_GET_SEALS: return get_seals(*file);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK64:
    case F_SETLK64:
    case F_SETLKW64:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return lock_control(fd, *file, command, argument);
    default: return Error::inval;
    }
}

Result<std::int32_t> sys_fcntl64(int fd, unsigned command, std::uint32_t argument)
{
    auto file = TRY(get_any_file(fd));
    switch (command) {  // what O_PATH descriptors allow too
    case F_DUPFD: return duplicate(std::move(file), argument, false);
    case F_DUPFD_CLOEXEC: return duplicate(std::move(file), argument, true);
    case F_GETFD: return TRY(current().files->cloexec(fd)) ? FD_CLOEXEC : 0;
    case F_SETFD: return set_descriptor_flags(fd, argument);
    case F_GETFL: return static_cast<std::int32_t>(file->flags);
    default: break;
    }
    if ((file->flags & O_PATH) != 0)
        return Error::badf;
    return control(fd, file, command, argument);
}

// The old call knows no 64-bit locks.
Result<std::int32_t> sys_fcntl(int fd, unsigned command, std::uint32_t argument)
{
    bool const wide = (command >= F_GETLK64 && command <= F_SETLKW64)
        || (command >= F_OFD_GETLK && command <= F_OFD_SETLKW);
    return wide ? Result<std::int32_t>{Error::inval} : sys_fcntl64(fd, command, argument);
}
}  // namespace

SYSCALL(fcntl, 55, sys_fcntl);
SYSCALL(fcntl64, 221, sys_fcntl64);
}  // namespace kernel
