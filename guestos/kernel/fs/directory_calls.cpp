// SPDX-License-Identifier: MIT
// getdents, getdents64, getcwd, chdir, fchdir, chroot.
#include <cstddef>
#include <kernel/fs/calls.hpp>
#include <kernel/fs/inotify.hpp>
#include <kernel/fs/mount.hpp>
#include <kernel/fs/regular_file.hpp>
#include <linux/capability.h>

namespace kernel {
namespace {
// Both record formats end in the name; the old one carries the type in the record's last byte.
struct OldRecord {
    std::uint32_t ino, offset;
    std::uint16_t length;
    static constexpr std::size_t header = 10, alignment = 4, extra = 2;  // NUL and type
};
struct Record64 {
    std::uint64_t ino;
    std::int64_t offset;
    std::uint16_t length;
    std::uint8_t type;
    static constexpr std::size_t header = 19, alignment = 8, extra = 1;
};

// Records go straight to user memory; the kernel's own record is built on the stack first.
template <class Record>
class UserSink final : public DirectorySink {
public:
    UserSink(Vaddr to, std::uint32_t room) : to_{to}, room_{room} {}
    bool add(std::string_view name, std::uint64_t ino, unsigned type, std::uint64_t next) override
    {
        auto const length = (Record::header + name.size() + Record::extra + Record::alignment - 1) / Record::alignment
            * Record::alignment;
        if (length > room_) {
            error_ = used_ == 0 ? Error::inval : Error::none;
            return false;
        }
        alignas(8) char record[Record::header + name_max + 16] = {};
        Record head{};
        head.ino = static_cast<decltype(head.ino)>(ino);
        head.offset = static_cast<decltype(head.offset)>(next);
        head.length = static_cast<std::uint16_t>(length);
        if constexpr (Record::extra == 1)
            head.type = static_cast<std::uint8_t>(type);
        else
            record[length - 1] = static_cast<char>(type);
        std::memcpy(record, &head, Record::header);
        std::memcpy(record + Record::header, name.data(), name.size());
        if (!copy_out(to_ + used_, record, length).ok()) {
            error_ = used_ == 0 ? Error::fault : Error::none;
            return false;
        }
        used_ += static_cast<std::uint32_t>(length);
        room_ -= static_cast<std::uint32_t>(length);
        return true;
    }
    Result<std::int32_t> result() const
    {
        return error_ == Error::none ? Result<std::int32_t>{static_cast<std::int32_t>(used_)}
                                     : Result<std::int32_t>{error_};
    }

private:
    Vaddr to_;
    std::uint32_t room_, used_ = 0;
    Error error_ = Error::none;
};
static_assert(offsetof(Record64, type) == 18);

template <class Record>
Result<std::int32_t> list(int fd, UserPtr<void> to, std::uint32_t room)
{
    auto file = TRY(get_file(fd));
    auto inode = file->inode();
    if (!inode || !inode->is_directory())
        return Error::notdir;
    if (file->path.dentry()->deleted)
        return Error::noent;
    UserSink<Record> sink{to.address(), room};
    TRY(file->read_directory(sink));
    touch_accessed(file->path, *inode);
    notify_path(file->path, IN_ACCESS);
    return sink.result();
}

Result<std::int32_t> sys_getdents(int fd, UserPtr<void> to, std::uint32_t room)
{
    return list<OldRecord>(fd, to, room);
}
Result<std::int32_t> sys_getdents64(int fd, UserPtr<void> to, std::uint32_t room)
{
    return list<Record64>(fd, to, room);
}

Result<std::int32_t> sys_getcwd(UserPtr<char> to, std::uint32_t size)
{
    auto &fs = *current().fs;
    if (fs.cwd.dentry()->deleted)
        return Error::noent;
    std::unique_ptr<char[]> text{new (std::nothrow) char[path_max]};
    if (!text)
        return Error::nomem;
    auto length = TRY(fs.cwd.format(fs.root, text.get(), path_max)) + 1;
    if (length > size)
        return Error::range;
    TRY(copy_out(to.address(), text.get(), length));
    return static_cast<std::int32_t>(length);
}

Result<> enter(Path path)
{
    auto inode = path.inode();
    if (!inode || !inode->is_directory())
        return Error::notdir;
    TRY(check_access(*inode, 1));
    current().fs->cwd = std::move(path);
    return {};
}

Result<> sys_chdir(UserPtr<char const> user_path)
{
    auto name = TRY(UserString::copy(user_path));
    return enter(TRY(resolve(at_fdcwd, name.view(), lookup_follow | lookup_directory)));
}

Result<> sys_fchdir(int fd) { return enter(TRY(get_any_file(fd))->path); }

Result<> sys_chroot(UserPtr<char const> user_path)
{
    auto name = TRY(UserString::copy(user_path));
    auto path = TRY(resolve(at_fdcwd, name.view(), lookup_follow | lookup_directory));
    TRY(check_access(*path.inode(), 1));
    if (!current().credentials.has_cap(CAP_SYS_CHROOT))
        return Error::perm;
    current().fs->root = std::move(path);
    return {};
}
}  // namespace

SYSCALL(chdir, 12, sys_chdir);
SYSCALL(chroot, 61, sys_chroot);
SYSCALL(fchdir, 133, sys_fchdir);
SYSCALL(getdents, 141, sys_getdents);
SYSCALL(getcwd, 183, sys_getcwd);
SYSCALL(getdents64, 220, sys_getdents64);
}  // namespace kernel
