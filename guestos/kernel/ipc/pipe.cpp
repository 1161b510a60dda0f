// SPDX-License-Identifier: MIT
// The ring of pages, and the system calls that make one.
#include <fcntl.h>
#include <kernel/fs/fd_table.hpp>
#include <kernel/ipc/anonymous.hpp>
#include <kernel/ipc/pipe.hpp>
#include <kernel/memory/frames.hpp>
#include <kernel/process/process.hpp>
#include <kernel/syscall/syscall.hpp>

namespace kernel {
Result<Ref<Pipe>> Pipe::make()
{
    auto pipe = TRY(make_ref<Pipe>());
    TRY(pipe->resize(pipe_default_bytes));
    pipe->ino = next_anonymous_ino();
    return pipe;
}

void Pipe::release_page(std::uint32_t position)
{
    auto &slot = pages_[position / page_size % pages_count_];
    if (slot)
        unref_frame(frame_of_address(slot));
    slot = nullptr;
}

void Pipe::clear()
{
    for (std::uint32_t i = 0; i < pages_count_; ++i)
        release_page(i * page_size);
    head_ = tail_ = 0;
}

Result<std::size_t> Pipe::fill(IoBuffer &from, std::size_t n)
{
    std::size_t done = 0;
    while (done < n && room()) {
        auto &slot = pages_[tail_ / page_size % pages_count_];
        if (!slot) {
            auto frame = allocate_frame();
            if (!frame.ok())
                return done ? Result<std::size_t>{done} : Error::nomem;
            slot = static_cast<char *>(frame_address(frame.value()));
        }
        std::uint32_t at = tail_ % page_size, piece = page_size - at;
        if (piece > room())
            piece = room();
        if (piece > n - done)
            piece = static_cast<std::uint32_t>(n - done);
        auto moved = from.get(slot + at, piece);
        if (!moved.ok())
            return done ? Result<std::size_t>{done} : moved;
        tail_ += static_cast<std::uint32_t>(moved.value());
        done += moved.value();
        if (moved.value() < piece)
            break;
    }
    return done;
}

Result<std::size_t> Pipe::drain(IoBuffer &to)
{
    std::size_t done = 0;
    while (to.left() && used()) {
        std::uint32_t at = head_ % page_size, piece = page_size - at;
        if (piece > used())
            piece = used();
        auto moved = to.put(page(head_) + at, piece);
        if (!moved.ok())
            return done ? Result<std::size_t>{done} : moved;
        if (!moved.value())
            break;
        std::uint32_t before = head_;
        head_ += static_cast<std::uint32_t>(moved.value());
        done += moved.value();
        // A full ring's last bytes may lie in front of its first ones in the same page.
        bool shared = tail_ - (before & page_mask) > capacity();
        if (before / page_size != head_ / page_size && !shared)
            release_page(before);
    }
    if (!used()) {  // start afresh at the front of a page
        release_page(head_);
        head_ = tail_ = 0;
    }
    return done;
}

Result<std::size_t> Pipe::peek(void *to, std::size_t n) const
{
    std::size_t done = 0;
    for (auto at = head_; done < n && at != tail_;) {
        std::uint32_t offset = at % page_size, piece = page_size - offset;
        if (piece > tail_ - at)
            piece = tail_ - at;
        if (piece > n - done)
            piece = static_cast<std::uint32_t>(n - done);
        std::memcpy(static_cast<char *>(to) + done, page(at) + offset, piece);
        done += piece;
        at += piece;
    }
    return done;
}

// Pages stay where they are: only the table of them changes, so that head_ moves into its first page.
Result<> Pipe::resize(std::uint32_t bytes)
{
    std::uint32_t count = 1;
    while (count * page_size < bytes)
        count *= 2;
    std::uint32_t first = head_ / page_size, occupied = used() ? (tail_ - 1) / page_size - first + 1 : 0;
    if (occupied > count)
        return Error::busy;
    std::unique_ptr<char *[]> table { new (std::nothrow) char *[count] {} };
    if (!table)
        return Error::nomem;
    for (std::uint32_t i = 0; i < occupied && i < pages_count_; ++i)
        std::swap(table[i], pages_[(first + i) % pages_count_]);
    if (occupied > pages_count_ && pages_count_) {  // one page holds both ends of a full ring
        auto frame = allocate_frame();
        if (!frame.ok()) {
            for (std::uint32_t i = 0; i < pages_count_; ++i)
                std::swap(table[i], pages_[(first + i) % pages_count_]);
            return frame.error();
        }
        table[occupied - 1] = static_cast<char *>(frame_address(frame.value()));
        std::memcpy(table[occupied - 1], table[0], page_size);
    }
    for (std::uint32_t i = 0; i < pages_count_; ++i)
        release_page(i * page_size);
    pages_ = std::move(table);
    pages_count_ = count;
    head_ -= first * page_size;
    tail_ -= first * page_size;
    return {};
}

Result<PipeEnds> make_pipe(unsigned flags)
{
    auto pipe = TRY(Pipe::make());
    PipeEnds ends;
    ends.reader = TRY(make_ref<PipeFile>(pipe, O_RDONLY | (flags & O_NONBLOCK)));
    ends.writer = TRY(make_ref<PipeFile>(pipe, O_WRONLY | (flags & O_NONBLOCK)));
    return ends;
}

namespace {
struct PipeDescriptors {
    std::int32_t reader, writer;
};

Result<> sys_pipe2(UserPtr<PipeDescriptors> to, unsigned flags)
{
    if (flags & ~unsigned{O_CLOEXEC | O_NONBLOCK | O_DIRECT})
        return Error::inval;
    if (flags & O_DIRECT)
        return Error::inval;  // packets: not offered
    auto ends = TRY(make_pipe(flags));
    auto &files = *current().files;
    PipeDescriptors descriptors;
    descriptors.reader = TRY(files.install(ends.reader, (flags & O_CLOEXEC) != 0));
    auto writer = files.install(ends.writer, (flags & O_CLOEXEC) != 0);
    if (!writer.ok()) {
        (void)files.close(descriptors.reader);
        return writer.error();
    }
    descriptors.writer = writer.value();
    auto written = to.write(descriptors);
    if (!written.ok()) {
        (void)files.close(descriptors.reader);
        (void)files.close(descriptors.writer);
    }
    return written;
}
Result<> sys_pipe(UserPtr<PipeDescriptors> to) { return sys_pipe2(to, 0); }

SYSCALL(pipe, 42, sys_pipe);
SYSCALL(pipe2, 331, sys_pipe2);
}  // namespace
}  // namespace kernel
