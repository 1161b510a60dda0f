// SPDX-License-Identifier: MIT
// ioctl: what holds for every file; the rest is the file's own.
#include <asm/ioctls.h>
#include <kernel/fs/calls.hpp>
#include <linux/fcntl.h>
#include <linux/fs.h>

namespace kernel {
namespace {
constexpr unsigned fs_ioc_fiemap = 0xc020'660b;  // linux/fiemap.h

Result<std::int32_t> set_flag(File &file, unsigned flag, std::uint32_t argument)
{
    auto on = TRY(UserPtr<std::int32_t>{argument}.read());
    TRY(file.set_flags(on != 0 ? file.flags | flag : file.flags & ~flag));
    return 0;
}

// Of regular files: how many bytes read(2) could still deliver.
Result<std::int32_t> bytes_left(File &file, std::uint32_t argument)
{
    auto size = file.inode()->attributes.size;
    auto left = size > file.position ? size - file.position : 0;
    TRY(UserPtr<std::int32_t>{argument}.write(static_cast<std::int32_t>(left)));
    return 0;
}

Result<std::int32_t> of_inode(File &file, unsigned command, std::uint32_t argument)
{
    auto inode = file.inode();
    switch (command) {
    case FIONREAD: return bytes_left(file, argument);
    case FIGETBSZ: TRY(UserPtr<std::uint32_t>{argument}.write(inode->super.statistics().block_size)); return 0;
    case FIOQSIZE: TRY(UserPtr<std::uint64_t>{argument}.write(inode->attributes.size)); return 0;
    case fs_ioc_fiemap:
    case FICLONE:
    case FICLONERANGE:
    case FIDEDUPERANGE: return Error::opnotsupp;
    default: return file.ioctl(command, argument);
    }
}

Result<std::int32_t> sys_ioctl(int fd, unsigned command, std::uint32_t argument)
{
    auto file = TRY(get_file(fd));
    switch (command) {
    case FIOCLEX: TRY(current().files->set_cloexec(fd, true)); return 0;
    case FIONCLEX: TRY(current().files->set_cloexec(fd, false)); return 0;
    case FIONBIO: return set_flag(*file, O_NONBLOCK, argument);
    case FIOASYNC: return set_flag(*file, FASYNC, argument);
    default: break;
    }
    auto inode = file->inode();
    if (inode && inode->type() == s_ifreg)
        return of_inode(*file, command, argument);
    return file->ioctl(command, argument);
}
}  // namespace

SYSCALL(ioctl, 54, sys_ioctl);
}  // namespace kernel
