// SPDX-License-Identifier: MIT
// An open end of a pipe, and opening a fifo.
#include <asm/ioctls.h>
#include <fcntl.h>
#include <kernel/fs/device.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/ipc/pipe.hpp>
#include <kernel/process/process.hpp>
#include <lib/format.hpp>
#include <linux/poll.h>

namespace kernel {
namespace {
constexpr int sigpipe = 13;
constexpr unsigned access_mode = 3;
constexpr unsigned cap_sys_resource = 24;
}

PipeFile::PipeFile(Ref<Pipe> pipe, unsigned open_flags) : File{open_flags}, pipe_{std::move(pipe)}
{
    writers_seen_ = pipe_->writers ? pipe_->writer_opens - 1 : pipe_->writer_opens;
    if (readable()) {
        ++pipe_->readers;
        ++pipe_->reader_opens;
    }
    if (writable()) {
        ++pipe_->writers;
        ++pipe_->writer_opens;
    }
    pipe_->for_readers.wake_all();
    pipe_->for_writers.wake_all();
}

PipeFile::~PipeFile()
{
    if (readable())
        --pipe_->readers;
    if (writable())
        --pipe_->writers;
    if (!pipe_->readers && !pipe_->writers)
        pipe_->clear();  // a fifo's inode may keep the Pipe, but not what was in it
    pipe_->for_readers.wake_all();
    pipe_->for_writers.wake_all();
}

Result<std::size_t> PipeFile::read(IoBuffer &to, std::uint64_t &)
{
    if (!to.left())
        return std::size_t{0};
    for (;;) {
        {
            MutexGuard guard{pipe_->mutex};
            if (pipe_->used()) {
                auto got = pipe_->drain(to);
                pipe_->for_writers.wake_all();
                return got;
            }
        }
        if (!pipe_->writers)
            return std::size_t{0};
        if (nonblocking())
            return Error::again;
        TRY(wait_until(pipe_->for_readers, [this] { return pipe_->used() || !pipe_->writers; }));
    }
}

Result<> PipeFile::wait_for_room(std::size_t needed)
{
    return wait_until(pipe_->for_writers, [this, needed] { return !pipe_->readers || pipe_->room() >= needed; });
}

// Up to PIPE_BUF bytes go in one piece or not at all; more may be cut anywhere.
Result<std::size_t> PipeFile::write(IoBuffer &from, std::uint64_t &)
{
    std::size_t total = 0;
    while (from.left()) {
        std::size_t needed = from.left() <= pipe_atomic_bytes && !total ? from.left() : 1;
        {
            MutexGuard guard{pipe_->mutex};
            if (!pipe_->readers) {
                auto info = SignalInfo::user(sigpipe);
                (void)send_signal(current(), info);
                return total ? Result<std::size_t>{total} : Error::pipe;
            }
            if (pipe_->room() >= needed) {
                auto moved = pipe_->fill(from, from.left());
                pipe_->for_readers.wake_all();
                if (!moved.ok())
                    return total ? Result<std::size_t>{total} : moved;
                total += moved.value();
                if (!moved.value())
                    return total;
                continue;
            }
        }
        if (nonblocking())
            return total ? Result<std::size_t>{total} : Error::again;
        auto slept = wait_for_room(needed);
        if (!slept.ok())
            return total ? Result<std::size_t>{total} : slept.error();
    }
    return total;
}

Result<std::size_t> PipeFile::peek(void *to, std::size_t n)
{
    if (pipe_->used())
        return pipe_->peek(to, n);
    if (!pipe_->writers)
        return std::size_t{0};
    return Error::again;
}

unsigned PipeFile::poll(PollTable *table)
{
    unsigned events = 0;
    if (readable()) {
        if (table)
            table->add(pipe_->for_readers);
        if (pipe_->used())
            events |= POLLIN | POLLRDNORM;
        if (!pipe_->writers && pipe_->writer_opens != writers_seen_)
            events |= POLLHUP;
    }
    if (writable()) {
        if (table)
            table->add(pipe_->for_writers);
        if (pipe_->room() >= pipe_atomic_bytes)
            events |= POLLOUT | POLLWRNORM;
        if (!pipe_->readers)
            events |= POLLERR;
    }
    return events;
}

Result<std::int32_t> PipeFile::ioctl(unsigned command, std::uint32_t argument)
{
    if (command != FIONREAD)
        return Error::notty;
    TRY(UserPtr<std::int32_t>{argument}.write(static_cast<std::int32_t>(pipe_->used())));
    return 0;
}

Result<std::int32_t> PipeFile::pipe_capacity(std::uint32_t wanted)
{
    if (!wanted)
        return static_cast<std::int32_t>(pipe_->capacity());
    if (wanted > pipe_most_bytes && !current().credentials.has_cap(cap_sys_resource))
        return Error::perm;
    if (wanted > 1u << 30)
        return Error::inval;
    MutexGuard guard{pipe_->mutex};
    TRY(pipe_->resize(wanted));
    pipe_->for_writers.wake_all();
    return static_cast<std::int32_t>(pipe_->capacity());
}

Result<Ref<File>> PipeFile::reopen(unsigned with) { return Ref<File>{TRY(make_ref<PipeFile>(pipe_, with))}; }

void PipeFile::describe(char *out, std::size_t size)
{
    if (path.empty())
        format(out, size, "pipe:[%llu]", static_cast<unsigned long long>(pipe_->ino));
    else
        File::describe(out, size);
}

Attributes PipeFile::anonymous_attributes() { return anonymous_file_attributes(s_ififo | 0600, pipe_->ino); }

Result<> PipeFile::wait_for_reader(std::uint32_t seen)
{
    return wait_until(pipe_->for_writers, [this, seen] { return pipe_->readers || pipe_->reader_opens != seen; });
}

Result<> PipeFile::wait_for_writer(std::uint32_t seen)
{
    return wait_until(pipe_->for_readers, [this, seen] { return pipe_->writers || pipe_->writer_opens != seen; });
}

Result<Ref<File>> open_fifo(Inode &inode, unsigned flags)
{
    if (!inode.attachment)
        inode.attachment = TRY(Pipe::make());
    Ref<Pipe> pipe{static_cast<Pipe *>(inode.attachment.get())};
    unsigned mode = flags & access_mode;
    bool nonblocking = (flags & O_NONBLOCK) != 0;
    if (mode == O_WRONLY && nonblocking && !pipe->readers)
        return Error::nxio;
    std::uint32_t readers_seen = pipe->reader_opens, writers_seen = pipe->writer_opens;
    auto file = TRY(make_ref<PipeFile>(pipe, flags));
    if (mode == O_WRONLY && !pipe->readers)
        TRY(file->wait_for_reader(readers_seen));
    if (mode == O_RDONLY && !pipe->writers && !nonblocking)
        TRY(file->wait_for_writer(writers_seen));
    return Ref<File>{file};
}
}  // namespace kernel
