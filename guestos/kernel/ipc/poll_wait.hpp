// SPDX-License-Identifier: MIT
// Waiting for any of several files: what poll(2), select(2) and their relatives are made of.
#pragma once
#include <kernel/fs/file.hpp>
#include <memory>

namespace kernel {
struct PolledFile {
    Ref<File> file;       // null: never ready
    unsigned wanted = 0;  // POLL*; POLLERR and POLLHUP always count
    unsigned got = 0;
};
// Fills in `got`; returns how many files have something. Error::restart_sys: a signal came first. 0 at the deadline.
Result<unsigned> poll_files(PolledFile *files, unsigned count, std::uint64_t deadline_ns);

// Registers one waiter with each queue, all of which wake the same sleeper.
class PollWait final : public PollTable {
public:
    PollWait() = default;
    ~PollWait();
    PollWait(PollWait const &) = delete;
    PollWait &operator=(PollWait const &) = delete;
    void add(WaitQueue &) override;
    bool out_of_memory() const { return out_of_memory_; }
    Result<> wait(std::uint64_t deadline_ns);  // until a queue was woken since the last wait()

private:
    struct Entry : Waiter {
        PollWait *owner = nullptr;
    };
    struct Chunk {
        static constexpr unsigned entries = 32;
        Entry entry[entries];
        Chunk *next = nullptr;
    };
    static void notified(Waiter &);
    WaitQueue queue_;
    Entry first_[4];
    Chunk *chunks_ = nullptr;
    unsigned used_ = 0;
    bool triggered_ = false, out_of_memory_ = false;
};
}  // namespace kernel
