// SPDX-License-Identifier: MIT
// read, write and their positioned and vectored forms; lseek, _llseek.
#include <kernel/fs/calls.hpp>
#include <linux/fs.h>

namespace kernel {
namespace {
constexpr std::uint32_t capped(std::uint32_t n) { return n > io_max ? io_max : n; }

// Where a positioned call reads or writes: a copy, or the file's own position for offset -1 of preadv2.
Result<std::uint64_t> given_position(File &file, std::uint64_t offset)
{
    if (static_cast<std::int64_t>(offset) < 0)
        return Error::inval;
    if (!file.seekable())
        return Error::spipe;
    return offset;
}

Result<std::size_t> sys_read(int fd, UserPtr<void> to, std::uint32_t n)
{
    auto file = TRY(get_file(fd));
    auto buffer = IoBuffer::user(to.address(), capped(n));
    return read_file(*file, buffer, file->position);
}

Result<std::size_t> sys_write(int fd, UserPtr<void const> from, std::uint32_t n)
{
    auto file = TRY(get_file(fd));
    auto buffer = IoBuffer::user(from.address(), capped(n));
    return write_file(*file, buffer, file->position);
}

Result<std::size_t> sys_pread64(int fd, UserPtr<void> to, std::uint32_t n, std::uint32_t low, std::uint32_t high)
{
    auto file = TRY(get_file(fd));
    auto position = TRY(given_position(*file, join(low, high)));
    auto buffer = IoBuffer::user(to.address(), capped(n));
    return read_file(*file, buffer, position);
}

Result<std::size_t> sys_pwrite64(int fd, UserPtr<void const> from, std::uint32_t n, std::uint32_t low, std::uint32_t high)
{
    auto file = TRY(get_file(fd));
    auto position = TRY(given_position(*file, join(low, high)));
    auto buffer = IoBuffer::user(from.address(), capped(n));
    return write_file(*file, buffer, position);
}

using Transfer = Result<std::size_t> (*)(File &, IoBuffer &, std::uint64_t &);
using Segments = UserPtr<IoBuffer::Segment const>;

Result<std::size_t> vectored(int fd, Segments vector, unsigned count, Transfer transfer)
{
    auto file = TRY(get_file(fd));
    UserVector segments;
    TRY(segments.copy(vector, count));
    auto buffer = segments.buffer();
    return transfer(*file, buffer, file->position);
}

Result<std::size_t> vectored_at(int fd, Segments vector, unsigned count, std::uint64_t offset, Transfer transfer)
{
    auto file = TRY(get_file(fd));
    auto position = TRY(given_position(*file, offset));
    UserVector segments;
    TRY(segments.copy(vector, count));
    auto buffer = segments.buffer();
    return transfer(*file, buffer, position);
}

Result<std::size_t> sys_readv(int fd, Segments vector, unsigned count)
{
    return vectored(fd, vector, count, read_file);
}
Result<std::size_t> sys_writev(int fd, Segments vector, unsigned count)
{
    return vectored(fd, vector, count, write_file);
}
Result<std::size_t> sys_preadv(int fd, Segments vector, unsigned count, std::uint32_t low, std::uint32_t high)
{
    return vectored_at(fd, vector, count, join(low, high), read_file);
}
Result<std::size_t> sys_pwritev(int fd, Segments vector, unsigned count, std::uint32_t low, std::uint32_t high)
{
    return vectored_at(fd, vector, count, join(low, high), write_file);
}

// RWF_*: the synchronous ones are done after the write; RWF_HIPRI is a hint.
Result<std::size_t> with_flags(int fd, Segments vector, unsigned count, std::uint64_t offset, unsigned flags, bool writes)
{
    constexpr unsigned known = RWF_HIPRI | RWF_DSYNC | RWF_SYNC;
    if ((flags & ~known) != 0)
        return Error::opnotsupp;
    auto const transfer = writes ? write_file : read_file;
    auto n = TRY(offset == ~0ull ? vectored(fd, vector, count, transfer)
                                 : vectored_at(fd, vector, count, offset, transfer));
    if (writes && (flags & (RWF_DSYNC | RWF_SYNC)) != 0)
        TRY(TRY(get_file(fd))->sync((flags & RWF_SYNC) == 0));
    return n;
}
Result<std::size_t> sys_preadv2(int fd, Segments vector, unsigned count, std::uint32_t low, std::uint32_t high,
                                unsigned flags)
{
    return with_flags(fd, vector, count, join(low, high), flags, false);
}
Result<std::size_t> sys_pwritev2(int fd, Segments vector, unsigned count, std::uint32_t low, std::uint32_t high,
                                 unsigned flags)
{
    return with_flags(fd, vector, count, join(low, high), flags, true);
}

Result<std::uint64_t> seek(File &file, std::int64_t offset, unsigned whence)
{
    if (!file.seekable())
        return Error::spipe;
    std::int64_t base = 0;
    switch (whence) {
    case SEEK_SET: break;
    case SEEK_CUR: base = static_cast<std::int64_t>(file.position); break;
    case SEEK_END: base = static_cast<std::int64_t>(TRY(file.end_position())); break;
    case SEEK_DATA:
    case SEEK_HOLE:
        if (offset < 0)
            return Error::nxio;
        offset = static_cast<std::int64_t>(TRY(file.seek_data(static_cast<std::uint64_t>(offset), whence == SEEK_HOLE)));
        break;
    default: return Error::inval;
    }
    std::int64_t sum = 0;
    if (__builtin_add_overflow(base, offset, &sum))
        return Error::overflow;
    if (sum < 0)
        return Error::inval;
    file.position = static_cast<std::uint64_t>(sum);
    return file.position;
}

Result<std::int32_t> sys_lseek(int fd, std::int32_t offset, unsigned whence)
{
    auto file = TRY(get_file(fd));
    auto before = file->position;
    auto position = TRY(seek(*file, offset, whence));
    if (position > 0x7fff'ffff) {
        file->position = before;
        return Error::overflow;
    }
    return static_cast<std::int32_t>(position);
}

Result<> sys_llseek(int fd, std::uint32_t high, std::uint32_t low, UserPtr<std::uint64_t> result, unsigned whence)
{
    auto file = TRY(get_file(fd));
    if (whence > SEEK_MAX)
        return Error::inval;
    auto position = TRY(seek(*file, static_cast<std::int64_t>(join(low, high)), whence));
    return result.write(position);
}
}  // namespace

SYSCALL(read, 3, sys_read);
SYSCALL(write, 4, sys_write);
SYSCALL(lseek, 19, sys_lseek);
SYSCALL(_llseek, 140, sys_llseek);
SYSCALL(readv, 145, sys_readv);
SYSCALL(writev, 146, sys_writev);
SYSCALL(pread64, 180, sys_pread64);
SYSCALL(pwrite64, 181, sys_pwrite64);
SYSCALL(preadv, 333, sys_preadv);
SYSCALL(pwritev, 334, sys_pwritev);
SYSCALL(preadv2, 378, sys_preadv2);
SYSCALL(pwritev2, 379, sys_pwritev2);
}  // namespace kernel
