// SPDX-License-Identifier: MIT
// Pipes and fifos: pipe(7), fifo(7). open_fifo() is declared in fs/device.hpp.
//
//   writer PipeFiles --> Pipe [ page | page | … ] --> reader PipeFiles      a fifo's inode keeps its Pipe as attachment
#pragma once
#include <kernel/fs/file.hpp>
#include <memory>

namespace kernel {
inline constexpr std::uint32_t pipe_atomic_bytes = 4096;  // PIPE_BUF
inline constexpr std::uint32_t pipe_default_bytes = 65536, pipe_most_bytes = 1 << 20;

class Pipe final : public RefCounted {
public:
    static Result<Ref<Pipe>> make();
    ~Pipe() override { clear(); }
    std::uint32_t used() const { return tail_ - head_; }
    std::uint32_t capacity() const { return pages_count_ * page_size; }
    std::uint32_t room() const { return capacity() - used(); }
    // Move between a buffer and the ring; `mutex` is held, because both may block on user memory.
    Result<std::size_t> fill(IoBuffer &, std::size_t n);
    Result<std::size_t> drain(IoBuffer &);
    Result<std::size_t> peek(void *, std::size_t) const;
    Result<> resize(std::uint32_t bytes);  // Error::busy: holds more than that
    void clear();

    Mutex mutex;
    WaitQueue for_readers, for_writers;
    unsigned readers = 0, writers = 0;                 // open ends
    std::uint32_t reader_opens = 0, writer_opens = 0;  // ever: what a blocking open of a fifo waits for
    std::uint64_t ino = 0;

private:
    char *page(std::uint32_t position) const { return pages_[position / page_size % pages_count_]; }
    void release_page(std::uint32_t position);
    std::unique_ptr<char *[]> pages_;  // allocated as bytes come, freed as they go
    std::uint32_t pages_count_ = 0;
    std::uint32_t head_ = 0, tail_ = 0;  // free-running; wrap at a multiple of the capacity
};

class PipeFile final : public File {
public:
    // Counts itself in; flags' access mode says which ends it is.
    PipeFile(Ref<Pipe>, unsigned open_flags);
    ~PipeFile() override;
    Result<std::size_t> read(IoBuffer &, std::uint64_t &) override;
    Result<std::size_t> write(IoBuffer &, std::uint64_t &) override;
    Result<std::int32_t> ioctl(unsigned command, std::uint32_t argument) override;
    unsigned poll(PollTable *) override;
    bool is_pipe() const override { return true; }
    Result<std::size_t> peek(void *, std::size_t) override;
    Result<Ref<File>> reopen(unsigned flags) override;
    void describe(char *out, std::size_t size) override;
    Attributes anonymous_attributes() override;
    Result<std::int32_t> pipe_capacity(std::uint32_t wanted) override;
    // fifo(7): until the other end is open.
    Result<> wait_for_reader(std::uint32_t seen);
    Result<> wait_for_writer(std::uint32_t seen);

private:
    Result<> wait_for_room(std::size_t needed);
    Ref<Pipe> pipe_;
    std::uint32_t writers_seen_;  // a reader hangs up only after a writer was there
};

struct PipeEnds {
    Ref<File> reader, writer;
};
Result<PipeEnds> make_pipe(unsigned flags);  // O_NONBLOCK
}  // namespace kernel
