// SPDX-License-Identifier: MIT
// sendfile, copy_file_range, splice, tee, vmsplice: copies between two files through one page of the kernel's. What is taken
// from the source is what the target took: pipes are looked at first (File::peek) and read for good afterwards.
#include <kernel/fs/calls.hpp>
#include <kernel/memory/frames.hpp>
#include <linux/fcntl.h>

namespace kernel {
namespace {
constexpr unsigned splice_known = 0xf, splice_nonblock = 2;  // SPLICE_F_MOVE, _NONBLOCK, _MORE, _GIFT

class BouncePage {
public:
    BouncePage()
    {
        auto got = allocate_frame();
        frame_ = got.ok() ? got.value() : no_pfn;
    }
    ~BouncePage()
    {
        if (frame_ != no_pfn)
            unref_frame(frame_);
    }
    BouncePage(BouncePage const &) = delete;
    BouncePage &operator=(BouncePage const &) = delete;
    explicit operator bool() const { return frame_ != no_pfn; }
    void *data() const { return frame_address(frame_); }

private:
    Pfn frame_;
};

// One page's worth. 0: the source is at its end.
Result<std::size_t> move_some(File &from, std::uint64_t &from_position, File &to, std::uint64_t &to_position,
                              std::size_t n, BouncePage const &page)
{
    auto in = IoBuffer::kernel(page.data(), n);
    auto position = from_position;
    auto got = from.is_pipe() ? TRY(from.peek(page.data(), n)) : TRY(from.read(in, position));
    if (got == 0)
        return std::size_t{0};
    auto out = IoBuffer::kernel(page.data(), got);
    auto moved = TRY(write_file(to, out, to_position));
    if (from.is_pipe()) {
        auto taken = IoBuffer::kernel(page.data(), moved);
        TRY(from.read(taken, position));
    } else {
        from_position += moved;
    }
    return moved;
}

Result<std::size_t> move(File &from, std::uint64_t &from_position, File &to, std::uint64_t &to_position, std::size_t n)
{
    BouncePage page;
    if (!page)
        return Error::nomem;
    std::size_t total = 0;
    while (total < n) {
        auto const step = n - total < page_size ? n - total : page_size;
        // A pipe that has given something may block the next time: it is enough for now.
        if (total != 0 && from.is_pipe() && (from.poll(nullptr) & 1) == 0)
            break;
        if (total != 0 && to.is_pipe() && (to.poll(nullptr) & 4) == 0)
            break;
        auto moved = move_some(from, from_position, to, to_position, step, page);
        if (!moved.ok())
            return total != 0 ? Result<std::size_t>{total} : moved;
        if (moved.value() == 0)
            break;
        total += moved.value();
        if (moved.value() < step && (from.is_pipe() || !from.seekable()))
            break;
    }
    return total;
}

// An offset argument: null means the file's own position.
class Offset {
public:
    Result<> load(File &file, UserPtr<std::uint64_t> user)
    {
        user_ = user;
        file_ = &file;
        own_ = file.position;
        if (!user)
            return {};
        if (!file.seekable())
            return Error::spipe;
        own_ = TRY(user.read());
        return static_cast<std::int64_t>(own_) < 0 ? Result<>{Error::inval} : Result<>{};
    }
    std::uint64_t &position() { return own_; }
    Result<> store()
    {
        if (user_)
            return user_.write(own_);
        file_->position = own_;
        return {};
    }

private:
    UserPtr<std::uint64_t> user_;
    File *file_ = nullptr;
    std::uint64_t own_ = 0;
};

Result<std::size_t> copy(int in_fd, UserPtr<std::uint64_t> in_offset, int out_fd, UserPtr<std::uint64_t> out_offset,
                         std::uint32_t n)
{
    auto from = TRY(get_file(in_fd)), to = TRY(get_file(out_fd));
    if (!from->readable() || !to->writable())
        return Error::badf;
    Offset in, out;
    TRY(in.load(*from, in_offset));
    TRY(out.load(*to, out_offset));
    auto moved = TRY(move(*from, in.position(), *to, out.position(), n < io_max ? n : io_max));
    TRY(in.store());
    TRY(out.store());
    return moved;
}

Result<std::size_t> sys_sendfile64(int out_fd, int in_fd, UserPtr<std::uint64_t> offset, std::uint32_t n)
{
    auto from = TRY(get_file(in_fd));
    if (!from->readable())
        return Error::badf;
    if (offset && !from->seekable())
        return Error::spipe;
    auto to = TRY(get_file(out_fd));
    if (!to->writable())
        return Error::badf;
    bool const directory = from->inode() && from->inode()->is_directory();
    if (!from->seekable() || directory || (to->flags & O_APPEND) != 0)
        return Error::inval;
    return copy(in_fd, offset, out_fd, {}, n);
}

Result<std::size_t> sys_sendfile(int out_fd, int in_fd, UserPtr<std::int32_t> offset, std::uint32_t n)
{
    if (!offset)
        return sys_sendfile64(out_fd, in_fd, {}, n);
    auto from = TRY(get_file(in_fd)), to = TRY(get_file(out_fd));
    if (!from->readable() || !to->writable())
        return Error::badf;
    if (!from->seekable())
        return Error::spipe;
    auto start = TRY(offset.read());
    if (start < 0)
        return Error::inval;
    auto position = static_cast<std::uint64_t>(start);
    auto moved = TRY(move(*from, position, *to, to->position, n < io_max ? n : io_max));
    TRY(offset.write(static_cast<std::int32_t>(position)));
    return moved;
}

bool regular(File const &file) { return file.inode() && file.inode()->type() == s_ifreg; }

Result<std::size_t> sys_copy_file_range(int in_fd, UserPtr<std::uint64_t> in_offset, int out_fd,
                                        UserPtr<std::uint64_t> out_offset, std::uint32_t n, unsigned flags)
{
    auto from = TRY(get_file(in_fd)), to = TRY(get_file(out_fd));
    if (flags != 0)
        return Error::inval;
    for (auto *file : {from.get(), to.get()})
        if (file->inode() && file->inode()->is_directory())
            return Error::isdir;
    if (!regular(*from) || !regular(*to))
        return Error::inval;
    if (!from->readable() || !to->writable() || (to->flags & O_APPEND) != 0)
        return Error::badf;
    auto const size = from->inode()->attributes.size;
    auto const a = in_offset ? TRY(in_offset.read()) : from->position,
               b = out_offset ? TRY(out_offset.read()) : to->position;
    auto const there = a < size ? size - a : 0;
    if (n > there)  // what copying into the same file adds is not copied again
        n = static_cast<std::uint32_t>(there);
    if (from->inode() == to->inode() && a < b + n && b < a + n)  // the two ranges may not overlap
        return Error::inval;
    return copy(in_fd, in_offset, out_fd, out_offset, n);
}

// SPLICE_F_NONBLOCK is about the pipe alone; a temporarily non-blocking pipe end comes to the same.
class WithFlag {
public:
    WithFlag(File &file, bool on) : file_{file}, was_{file.flags}
    {
        if (on && file.is_pipe())
            file.flags |= O_NONBLOCK;
    }
    ~WithFlag() { file_.flags = (file_.flags & ~static_cast<unsigned>(O_NONBLOCK)) | (was_ & O_NONBLOCK); }
    WithFlag(WithFlag const &) = delete;
    WithFlag &operator=(WithFlag const &) = delete;

private:
    File &file_;
    unsigned was_;
};

Result<std::size_t> sys_splice(int in_fd, UserPtr<std::uint64_t> in_offset, int out_fd,
                               UserPtr<std::uint64_t> out_offset, std::uint32_t n, unsigned flags)
{
    if (n == 0)
        return std::size_t{0};
    if ((flags & ~splice_known) != 0)
        return Error::inval;
    auto from = TRY(get_file(in_fd)), to = TRY(get_file(out_fd));
    if (!from->readable() || !to->writable())
        return Error::badf;
    if ((from->is_pipe() && in_offset) || (to->is_pipe() && out_offset))
        return Error::spipe;
    if (!from->is_pipe() && !to->is_pipe())
        return Error::inval;
    if (!to->is_pipe() && (to->flags & O_APPEND) != 0)
        return Error::inval;
    WithFlag in{*from, (flags & splice_nonblock) != 0}, out{*to, (flags & splice_nonblock) != 0};
    return copy(in_fd, in_offset, out_fd, out_offset, n);
}

Result<std::size_t> sys_tee(int in_fd, int out_fd, std::uint32_t n, unsigned flags)
{
    if ((flags & ~splice_known) != 0)
        return Error::inval;
    if (n == 0)
        return std::size_t{0};
    auto from = TRY(get_file(in_fd)), to = TRY(get_file(out_fd));
    if (!from->readable() || !to->writable())
        return Error::badf;
    if (!from->is_pipe() || !to->is_pipe())
        return Error::inval;
    WithFlag in{*from, (flags & splice_nonblock) != 0}, out{*to, (flags & splice_nonblock) != 0};
    BouncePage page;
    if (!page)
        return Error::nomem;
    auto got = TRY(from->peek(page.data(), n < page_size ? n : page_size));
    if (got == 0)
        return std::size_t{0};
    auto buffer = IoBuffer::kernel(page.data(), got);
    return write_file(*to, buffer, to->position);
}

Result<std::size_t> sys_vmsplice(int fd, UserPtr<IoBuffer::Segment const> vector, unsigned count, unsigned flags)
{
    if ((flags & ~splice_known) != 0)
        return Error::inval;
    auto file = TRY(get_file(fd));
    if (!file->is_pipe())
        return Error::badf;
    UserVector segments;
    TRY(segments.copy(vector, count));
    WithFlag nonblocking{*file, (flags & splice_nonblock) != 0};
    auto buffer = segments.buffer();
    return file->writable() ? write_file(*file, buffer, file->position) : read_file(*file, buffer, file->position);
}
}  // namespace

SYSCALL(sendfile, 187, sys_sendfile);
SYSCALL(sendfile64, 239, sys_sendfile64);
SYSCALL(splice, 313, sys_splice);
SYSCALL(tee, 315, sys_tee);
SYSCALL(vmsplice, 316, sys_vmsplice);
SYSCALL(copy_file_range, 377, sys_copy_file_range);
}  // namespace kernel
