// SPDX-License-Identifier: MIT
#include <iterator>
#include <kernel/ipc/poll_wait.hpp>
#include <kernel/memory/address_space.hpp>
#include <linux/poll.h>

namespace kernel {
PollWait::~PollWait()
{
    arch::IrqGuard guard;  // the entries unlink themselves
    for (auto &e : first_)
        e.unlink();
    while (chunks_) {
        auto chunk = std::exchange(chunks_, chunks_->next);
        for (auto &e : chunk->entry)
            e.unlink();
        delete chunk;
    }
}

void PollWait::notified(Waiter &w)
{
    auto &self = *static_cast<Entry &>(w).owner;
    self.triggered_ = true;
    self.queue_.wake_all();
}

void PollWait::add(WaitQueue &queue)
{
    Entry *entry;
    if (used_ < std::size(first_)) {
        entry = &first_[used_];
    } else {
        unsigned at = (used_ - std::size(first_)) % Chunk::entries;
        if (at == 0) {
            auto chunk = new (std::nothrow) Chunk;
            if (!chunk) {
                out_of_memory_ = true;
                return;
            }
            chunk->next = chunks_;
            chunks_ = chunk;
        }
        entry = &chunks_->entry[at];
    }
    ++used_;
    entry->owner = this;
    entry->notify = notified;
    arch::IrqGuard guard;
    queue.add(*entry);
}

Result<> PollWait::wait(std::uint64_t deadline_ns)
{
    auto slept = wait_until(
        queue_, [this] { return triggered_; }, Sleep::interruptible, deadline_ns);
    triggered_ = false;
    return slept;
}

Result<unsigned> poll_files(PolledFile *files, unsigned count, std::uint64_t deadline_ns)
{
    PollWait waits;
    bool may_sleep = deadline_ns != 0;
    for (PollTable *table = may_sleep ? &waits : nullptr;; table = nullptr) {
        unsigned ready = 0;
        for (unsigned i = 0; i < count; ++i) {
            auto &f = files[i];
            if (!f.file)
                continue;
            f.got = f.file->poll(ready ? nullptr : table) & (f.wanted | POLLERR | POLLHUP);
            if (f.got)
                ++ready;
        }
        if (ready)
            return ready;
        if (waits.out_of_memory())
            return Error::nomem;
        if (!may_sleep)
            return 0u;
        auto slept = waits.wait(deadline_ns);
        if (slept.ok())
            continue;
        if (slept.error() != Error::timedout)
            return slept.error();
        may_sleep = false;  // look once more
    }
}
}  // namespace kernel
